// Refuses one large allocation, as a machine without memory would. Loaded in front of the C library
// (LD_PRELOAD), Linux only.
//
// BONN_ALLOCATION is the number of the large allocation that fails, counted from 1 after the
// program has called bonn_allocations_begin; BONN_LARGE is how many bytes are large.
// bonn_allocations_end writes how many there were and how many of them are still held: "ALLOCATIONS
// HELD".
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// glibc's own, which need no look-up that would allocate.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

enum { MOST = 1024 };
static atomic_int begun, count;
static _Atomic(void *) held[MOST];
static long wanted;
static size_t large = (size_t)-1;

void bonn_allocations_begin(void) {
    wanted = atol(getenv("BONN_ALLOCATION"));
    large = (size_t)atol(getenv("BONN_LARGE"));
    begun = 1;
}

void bonn_allocations_end(void) {
    begun = 0;
    int left = 0;
    for (int i = 0; i < MOST; i++) {
        left += held[i] != NULL;
    }
    printf("%d %d\n", count, left);
    fflush(stdout);
}

static int is_refused(size_t bytes) {
    return begun && bytes >= large && ++count == wanted;
}

static void *noted(void *memory, size_t bytes) {
    if (begun && bytes >= large && memory) {
        for (int i = 0; i < MOST; i++) {
            void *none = NULL;
            if (atomic_compare_exchange_strong(&held[i], &none, memory)) {
                break;
            }
        }
    }
    return memory;
}

static void forget(void *memory) {
    for (int i = 0; memory && large != (size_t)-1 && i < MOST; i++) {
        void *same = memory;
        if (atomic_compare_exchange_strong(&held[i], &same, NULL)) {
            break;
        }
    }
}

void *malloc(size_t bytes) {
    if (is_refused(bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return noted(__libc_malloc(bytes), bytes);
}

void *calloc(size_t items, size_t bytes) {
    if (is_refused(items * bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return noted(__libc_calloc(items, bytes), items * bytes);
}

void *realloc(void *memory, size_t bytes) {
    if (is_refused(bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    forget(memory);
    return noted(__libc_realloc(memory, bytes), bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (is_refused(bytes)) {
        return ENOMEM;
    }
    *memory = noted(__libc_memalign(alignment, bytes), bytes);
    return *memory ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    if (is_refused(bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return noted(__libc_memalign(alignment, bytes), bytes);
}

void free(void *memory) {
    forget(memory);
    __libc_free(memory);
}
