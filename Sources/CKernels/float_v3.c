#if defined(__x86_64__)
#define LANES 8
#define ROWS 6 // 12 sums, 2 vectors of b and one element of a in 16 registers
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define LEVEL ckernels_floats_v3
#define LEVEL_NAME "x86-64-v3"
#include "float_level.h"
#endif
