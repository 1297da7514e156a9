#if defined(__x86_64__)
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define LEVEL ckernels_prediction_v3
#define LEVEL_NAME "x86-64-v3"
#include "predict_level.h"
#endif
