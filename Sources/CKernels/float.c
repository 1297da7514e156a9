#include "CKernelsFloat.h"

extern const struct ckernels_floats ckernels_floats_base;

#if defined(__x86_64__)
extern const struct ckernels_floats ckernels_floats_v4, ckernels_floats_v3;

const struct ckernels_floats *ckernels_floats_at(int index) {
  if (__builtin_cpu_supports("x86-64-v4") && index-- == 0) return &ckernels_floats_v4;
  if (__builtin_cpu_supports("x86-64-v3") && index-- == 0) return &ckernels_floats_v3;
  return index == 0 ? &ckernels_floats_base : NULL;
}
#else
const struct ckernels_floats *ckernels_floats_at(int index) {
  return index == 0 ? &ckernels_floats_base : NULL;
}
#endif
