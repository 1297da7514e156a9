// All float kernels of one level; LANES, ROWS, TARGET, LEVEL and LEVEL_NAME are defined before.

#include "float_vector.h"
// Its vectors are what the others are written in.
#include "float_product.h"
// Its sums of rows are used by the layers.
#include "float_layers.h"
#include "float_loss.h"
#include "float_update.h"

const struct ckernels_floats LEVEL = {
    .name = LEVEL_NAME,
    .product = product,
    .gather = gather,
    .row_sums = row_sums,
    .relu = relu,
    .gelu = gelu,
    .tanh = hyperbolic,
    .relu_gradient = relu_gradient,
    .gelu_gradient = gelu_gradient,
    .tanh_gradient = hyperbolic_gradient,
    .dropout = dropout,
    .normalize = normalize,
    .normalize_gradient = normalize_gradient,
    .softmax = softmax,
    .squared_error = squared_error,
    .squares = squares,
    .adamw = adamw,
    .sgd = sgd,
};
