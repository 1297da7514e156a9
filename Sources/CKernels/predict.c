#include "CKernelsPredict.h"

extern const struct ckernels_prediction ckernels_prediction_base;

#if defined(__x86_64__)
extern const struct ckernels_prediction ckernels_prediction_v4, ckernels_prediction_v3;

const struct ckernels_prediction *ckernels_prediction_at(int index) {
  if (__builtin_cpu_supports("x86-64-v4") && index-- == 0) return &ckernels_prediction_v4;
  if (__builtin_cpu_supports("x86-64-v3") && index-- == 0) return &ckernels_prediction_v3;
  return index == 0 ? &ckernels_prediction_base : NULL;
}
#else
const struct ckernels_prediction *ckernels_prediction_at(int index) {
  return index == 0 ? &ckernels_prediction_base : NULL;
}
#endif

const struct ckernels_prediction *ckernels_prediction_best(void) {
  const struct ckernels_prediction *best = ckernels_prediction_at(0);
  return best != NULL ? best : &ckernels_prediction_base;
}
