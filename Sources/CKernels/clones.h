#ifndef CLONES_H
#define CLONES_H

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels read little-endian words in place"
#endif

// Compiles a function for three generations of x86-64; the loader picks the clone once, at start.
#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINED static inline __attribute__((always_inline))

// The iterations of the next loop write to different places.
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#endif
