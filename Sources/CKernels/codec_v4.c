#if defined(__x86_64__)
#define TARGET                                                                                     \
  __attribute__((target("arch=x86-64-v4,avx512vbmi,avx512vbmi2"), min_vector_width(512)))
#define LEVEL ckernels_codec_v4
#define LEVEL_NAME "x86-64-v4+vbmi2"
#define MOVES_BYTES
#include "codec_level.h"
#endif
