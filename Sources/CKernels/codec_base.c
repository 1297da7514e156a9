#define TARGET
#define LEVEL ckernels_codec_base
#define LEVEL_NAME "base"
#include "codec_level.h"
