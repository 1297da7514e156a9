#define LANES 4
#if defined(__aarch64__)
#define ROWS 12 // 24 sums, 2 vectors of b and elements of a in 32 registers
#define LEVEL_NAME "arm64"
#elif defined(__x86_64__)
#define ROWS 6 // 12 sums, 2 vectors of b and one element of a in 16 registers
#define LEVEL_NAME "x86-64"
#else
#define ROWS 6
#define LEVEL_NAME "portable"
#endif
#define TARGET
#define LEVEL ckernels_floats_base
#include "float_level.h"
