// The values of narrow floats; INLINED is defined before.

INLINED double double_of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// The value of a narrow float's parts, exactly; subnormal numbers are those of exponent 0.
INLINED double finite_of_parts(uint64_t negative, int exponent, int fraction, int fraction_bits,
                               int bias) {
  int normal = exponent != 0;
  int significand = fraction | (normal << fraction_bits);
  int64_t power = exponent + !normal - bias - fraction_bits;
  double scale = double_of_bits((uint64_t)(power + 1023) << 52);
  return significand * scale * (negative ? -1.0 : 1.0);
}

INLINED double double_of_f16(uint16_t h) {
  uint64_t negative = h >> 15;
  int exponent = (h >> 10) & 31, fraction = h & 1023;
  uint64_t special_bits = negative << 63 | (uint64_t)0x7ff << 52 | (uint64_t)fraction << 42;
  double special = double_of_bits(special_bits);
  return exponent == 31 ? special : finite_of_parts(negative, exponent, fraction, 10, 15);
}

// E4M3 has no infinities: only all ones is not a number.
INLINED double double_of_f8_e4m3(uint8_t h) {
  int exponent = (h >> 3) & 15, fraction = h & 7;
  double nan = double_of_bits((uint64_t)(h >> 7) << 63 | (uint64_t)0x7ffe << 48);
  return (h & 127) == 127 ? nan : finite_of_parts(h >> 7, exponent, fraction, 3, 7);
}

INLINED double double_of_f8_e5m2(uint8_t h) { return double_of_f16((uint16_t)(h << 8)); }
