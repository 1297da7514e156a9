#if defined(__x86_64__)
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define LEVEL ckernels_prediction_v4
#define LEVEL_NAME "x86-64-v4"
#include "predict_level.h"
#endif
