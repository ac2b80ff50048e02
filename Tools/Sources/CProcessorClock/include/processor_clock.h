// What the clock of the processor is measured with.
#ifndef PROCESSOR_CLOCK_H
#define PROCESSOR_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Executes about `count` additions, each of which needs the result of the one before. An addition
// of two registers takes one cycle on every processor that runs this; no compiler and no renaming
// of registers shortens the chain.
//
// Returns how many additions were executed: as many cycles have passed. 0 on an architecture for
// which the chain is not written.
uint64_t processor_dependent_additions(uint64_t count);

#ifdef __cplusplus
}
#endif

#endif
