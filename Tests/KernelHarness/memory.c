#include "memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define HARNESS_POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define HARNESS_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#endif
#endif
#ifndef HARNESS_POISON
#define HARNESS_POISON(p, n) ((void)0)
#define HARNESS_UNPOISON(p, n) ((void)0)
#endif

enum {
    PIECES = 24,
    CANARY = 256,
    CANARY_BYTE = 0xc5,
    PATTERN_BYTE = 0xb9,
};
static const size_t piece_capacity = (size_t)192 << 20; // only what is touched costs memory
static const size_t own_capacity = (size_t)512 << 20;

typedef struct {
    uint8_t *pages; // piece_capacity bytes between two inaccessible pages
    uint8_t *begin;
    size_t bytes;
    uint64_t checksum;
    int is_input, is_at_end;
} piece;

static piece pieces[PIECES];
static int used;
static uint8_t *own;
static size_t own_used;

static void *map(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) {
        perror("kernel harness: mmap");
        exit(2);
    }
    return p;
}

void memory_start(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < PIECES; i++) {
        uint8_t *base = map(piece_capacity + 2 * page);
        if (mprotect(base, page, PROT_NONE) != 0 ||
            mprotect(base + page + piece_capacity, page, PROT_NONE) != 0) {
            perror("kernel harness: mprotect");
            exit(2);
        }
        pieces[i].pages = base + page;
        HARNESS_POISON(pieces[i].pages, piece_capacity);
    }
    own = map(own_capacity);
}

// The canaries are poisoned for everybody but these functions, which therefore use no memset.
__attribute__((no_sanitize("address"))) static void draw_canary(const piece *p) {
    volatile uint8_t *at = p->is_at_end ? p->begin - CANARY : p->begin + p->bytes;
    for (int i = 0; i < CANARY; i++) {
        at[i] = CANARY_BYTE;
    }
}

__attribute__((no_sanitize("address"))) static int canary_is_intact(const piece *p) {
    const volatile uint8_t *at = p->is_at_end ? p->begin - CANARY : p->begin + p->bytes;
    for (int i = 0; i < CANARY; i++) {
        if (at[i] != CANARY_BYTE) {
            return 0;
        }
    }
    return 1;
}

static uint64_t checksum(const uint8_t *bytes, size_t count) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    for (; i < count; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static piece *place(generator *g, size_t bytes) {
    if (used == PIECES || bytes + CANARY > piece_capacity) {
        fprintf(stderr, "kernel harness: a case needs more or larger pieces of memory\n");
        exit(2);
    }
    piece *p = &pieces[used++];
    p->is_at_end = !generator_one_in(g, 3);
    p->begin = p->is_at_end ? p->pages + piece_capacity - bytes : p->pages;
    p->bytes = bytes;
    draw_canary(p);
    HARNESS_UNPOISON(p->begin, bytes);
    return p;
}

void *memory_input(generator *g, const void *data, size_t bytes) {
    piece *p = place(g, bytes);
    memcpy(p->begin, data, bytes);
    p->is_input = 1;
    p->checksum = checksum(p->begin, bytes);
    return p->begin;
}

void *memory_output(generator *g, const void *data, size_t bytes) {
    piece *p = place(g, bytes);
    if (data) {
        memcpy(p->begin, data, bytes);
    } else {
        memset(p->begin, PATTERN_BYTE, bytes);
    }
    p->is_input = 0;
    return p->begin;
}

void memory_reset(void) {
    for (int i = 0; i < used; i++) {
        HARNESS_POISON(pieces[i].begin, pieces[i].bytes);
    }
    used = 0;
}

const char *memory_damage(void) {
    for (int i = 0; i < used; i++) {
        if (!canary_is_intact(&pieces[i])) {
            if (pieces[i].is_input) {
                return "the canary beside an input was overwritten";
            }
            return "the canary beside an output was overwritten";
        }
        if (pieces[i].is_input &&
            checksum(pieces[i].begin, pieces[i].bytes) != pieces[i].checksum) {
            return "an input was overwritten";
        }
    }
    return NULL;
}

// Bytes between an address and a piece.
static size_t distance(const piece *p, const uint8_t *address) {
    if (address < p->begin) {
        return (size_t)(p->begin - address);
    }
    return address < p->begin + p->bytes ? 0 : (size_t)(address - (p->begin + p->bytes));
}

void memory_describe(const void *address, char *text, size_t size) {
    const piece *nearest = &pieces[0];
    for (int i = 1; i < used; i++) {
        if (distance(&pieces[i], address) < distance(nearest, address)) {
            nearest = &pieces[i];
        }
    }
    snprintf(text, size, "byte %td of piece %td, an %s of %zu bytes",
             (const uint8_t *)address - nearest->begin, nearest - pieces,
             nearest->is_input ? "input" : "output", nearest->bytes);
}

void *memory_take(size_t bytes) {
    bytes = (bytes + 63) & ~(size_t)63;
    if (own_used + bytes > own_capacity) {
        fprintf(stderr, "kernel harness: a case needs more memory than planned\n");
        exit(2);
    }
    void *p = own + own_used;
    own_used += bytes;
    memset(p, 0, bytes);
    return p;
}

void memory_release(void) {
    own_used = 0;
}
