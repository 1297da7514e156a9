#define TARGET
#define LEVEL ckernels_prediction_base
#define LEVEL_NAME "base"
#include "predict_level.h"
