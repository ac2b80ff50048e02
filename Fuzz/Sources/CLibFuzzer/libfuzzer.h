// What Swift needs of libFuzzer, which every Swift toolchain for Linux brings as an archive.
#ifndef BONN_LIBFUZZER_H
#define BONN_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Fuzzes a function as the options of the command line say; returns an exit status.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));

/// Changes bytes in place as libFuzzer would (dictionary and comparisons included); returns how
/// many there are now.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t capacity);

#endif
