#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

#include <stdint.h>

/// How often the calling thread has allocated memory; -1 where that cannot be counted.
int64_t allocations_of_this_thread(void);

#endif
