#if defined(__x86_64__)
#define LANES 16
#define ROWS 12 // 24 sums, 2 vectors of b and one element of a in 32 registers
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define LEVEL ckernels_floats_v4
#define LEVEL_NAME "x86-64-v4"
#include "float_level.h"
#endif
