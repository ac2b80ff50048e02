// Declares every kernel of kernels.inc. Each implementation includes it, so that a function whose
// type is not that of its operation does not compile.
#ifndef BONN_KERNELS_DECLARED_H
#define BONN_KERNELS_DECLARED_H

#include "bonn_kernels.h"

#define BONN_KERNEL(set, operation, function) extern bonn_##operation##_fn function;
#include "kernels.inc"
#undef BONN_KERNEL

#endif
