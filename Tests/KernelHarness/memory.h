// Memory in which a kernel cannot step outside of what it was given without being seen.
//
// Every piece lies at an edge of its own pages, with an inaccessible page behind or before it, and
// canaries on the other side. Under AddressSanitizer everything around it is poisoned as well.
#ifndef HARNESS_MEMORY_H
#define HARNESS_MEMORY_H

#include "generator.h"

// Maps the pages. Exits with a message if the system has none left.
void memory_start(void);

// Gives all pieces back.
void memory_reset(void);

// A copy of `data` that must not change, at an edge that `g` chooses.
void *memory_input(generator *g, const void *data, size_t bytes);

// Writable memory with a copy of `data`, or with a pattern where `data` is null.
void *memory_output(generator *g, const void *data, size_t bytes);

// NULL, or what was overwritten: a canary of a piece, or an input.
const char *memory_damage(void);

// Describes where an address lies relative to the nearest piece.
void memory_describe(const void *address, char *text, size_t size);

// Memory of the harness itself, zeroed, until the next memory_release.
void *memory_take(size_t bytes);
void memory_release(void);

#endif
