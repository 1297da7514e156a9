#include "CKernels.h"
#include "clones.h"
#include <string.h>

#define WORD uint8_t
#define NAME(name) name##_8
#include "planes_of_word.h"
#undef WORD
#undef NAME

#define WORD uint16_t
#define NAME(name) name##_16
#include "planes_of_word.h"
#undef WORD
#undef NAME

#define WORD uint32_t
#define NAME(name) name##_32
#include "planes_of_word.h"
#undef WORD
#undef NAME

#define WORD uint64_t
#define NAME(name) name##_64
#include "planes_of_word.h"
#undef WORD
#undef NAME

CLONES void ckernels_split(int width, int mapping, const uint8_t *content, const uint8_t *base,
                           size_t count, uint8_t *planes) {
  switch (width) {
  case 1: split_8(mapping, content, base, count, planes); break;
  case 2: split_16(mapping, content, base, count, planes); break;
  case 4: split_32(mapping, content, base, count, planes); break;
  case 8: split_64(mapping, content, base, count, planes); break;
  }
}

CLONES void ckernels_merge(int width, int mapping, const uint8_t *planes, const uint8_t *base,
                           size_t count, uint8_t *content) {
  switch (width) {
  case 1: merge_8(mapping, planes, base, count, content); break;
  case 2: merge_16(mapping, planes, base, count, content); break;
  case 4: merge_32(mapping, planes, base, count, content); break;
  case 8: merge_64(mapping, planes, base, count, content); break;
  }
}
