#include "processor_clock.h"

// Additions a turn of the loop; its counter runs beside the chain.
#define CHAIN 64

uint64_t processor_dependent_additions(uint64_t count) {
#if defined(__x86_64__)
    uint64_t turns = (count + CHAIN - 1) / CHAIN, executed = turns * CHAIN, sum = 1;
    if (turns == 0) {
        return 0;
    }
    // Doubling a register: some processors add a constant while they rename registers, for free.
    __asm__ volatile("1:\n\t"
                     ".rept 64\n\t"
                     "addq %0, %0\n\t"
                     ".endr\n\t"
                     "decq %1\n\t"
                     "jnz 1b"
                     : "+r"(sum), "+r"(turns)
                     :
                     : "cc");
    return executed;
#elif defined(__aarch64__)
    uint64_t turns = (count + CHAIN - 1) / CHAIN, executed = turns * CHAIN, sum = 1;
    if (turns == 0) {
        return 0;
    }
    __asm__ volatile("1:\n\t"
                     ".rept 64\n\t"
                     "add %0, %0, %0\n\t"
                     ".endr\n\t"
                     "subs %1, %1, #1\n\t"
                     "b.ne 1b"
                     : "+r"(sum), "+r"(turns)
                     :
                     : "cc");
    return executed;
#else
    (void)count;
    return 0;
#endif
}
