// All kernels of prediction for one level; TARGET, LEVEL and LEVEL_NAME are defined before.

#include "CKernels.h"
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels read little-endian words in place"
#endif

#pragma STDC FP_CONTRACT OFF

#define INLINED static inline __attribute__((always_inline)) TARGET
#define KERNEL static TARGET

#include "float_formats.h"
// The formats of which these are the casts.
#include "predict_cast.h"
// The casts before and after a product.
#include "predict_product.h"

const struct ckernels_prediction LEVEL = {
    .name = LEVEL_NAME,
    .cast = cast,
    .add_product = add_product,
    .values = values,
    .dot = dot,
    .normal_equations = normal_equations,
    .add_scaled = add_scaled,
    .rank = rank,
};
