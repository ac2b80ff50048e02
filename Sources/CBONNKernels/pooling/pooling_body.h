// Max and average pooling of real values: the body that every kernel set compiles for itself.
//
// Channels in the lanes; the value of a window stays in a register. Padding never takes part,
// except in an average's divisor. A NaN in a window is its maximum. Averages are summed in float64,
// kernel row by kernel row, divided there and rounded once to float32.
//
// Include after defining BONN_MAX_POOL and BONN_AVERAGE_POOL, the names of the functions.
#include "../loops.h"
#include "pooling.h"
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef float f32x8 __attribute__((vector_size(32)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

enum {
    LANES = 8,
    VECTORS = 4, // side by side, so that a tap is located once for all of them
};

// `lanes` channels from x on; `lanes` is a constant where it is LANES.
BONN_INLINE void load(f32x8 *to, const float *x, ptrdiff_t lanes) {
    memset(to, 0, sizeof *to);
    memcpy(to, x, (size_t)lanes * sizeof(float));
}

// `vectors` vectors of `lanes` channels of one output, both constants but for the last channels.
BONN_INLINE void maximum(const bonn_pool *p, const float *x, const bonn_pool_place *at, float *y,
                         const int vectors, ptrdiff_t lanes) {
    f32x8 largest[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) {
        largest[v] = (f32x8){0} - INFINITY;
    }
    for (ptrdiff_t ky = at->rows.begin; ky < at->rows.end; ky++) {
        for (ptrdiff_t kx = at->columns.begin; kx < at->columns.end; kx++) {
            const float *tap = x + bonn_pool_tap(&p->window, at, ky, kx) * p->channels;
            UNROLL
            for (int v = 0; v < vectors; v++) {
                f32x8 value;
                load(&value, tap + v * LANES, lanes);
                // Not (value > largest): a NaN in the window is the result.
                const i32x8 stays = (value <= largest[v]) | (largest[v] != largest[v]);
                largest[v] = (f32x8)(((i32x8)largest[v] & stays) | ((i32x8)value & ~stays));
            }
        }
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        memcpy(y + v * LANES, &largest[v], (size_t)lanes * sizeof(float));
    }
}

BONN_INLINE void average(const bonn_pool *p, const float *x, const bonn_pool_place *at, float *y,
                         const int vectors, ptrdiff_t lanes) {
    const bonn_window *w = &p->window;
    const ptrdiff_t inside =
        (at->rows.end - at->rows.begin) * (at->columns.end - at->columns.begin);
    const double divisor =
        (double)(p->counts_padding ? w->kernel_height * w->kernel_width : inside);
    f64x8 sums[VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) {
        sums[v] = (f64x8){0};
    }
    for (ptrdiff_t ky = at->rows.begin; ky < at->rows.end; ky++) {
        for (ptrdiff_t kx = at->columns.begin; kx < at->columns.end; kx++) {
            const float *tap = x + bonn_pool_tap(w, at, ky, kx) * p->channels;
            UNROLL
            for (int v = 0; v < vectors; v++) {
                f32x8 value;
                load(&value, tap + v * LANES, lanes);
                sums[v] += __builtin_convertvector(value, f64x8);
            }
        }
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        const f32x8 rounded = __builtin_convertvector(sums[v] / divisor, f32x8);
        memcpy(y + v * LANES, &rounded, (size_t)lanes * sizeof(float));
    }
}

typedef void pool_channels_fn(const bonn_pool *p, const float *x, const bonn_pool_place *at,
                              float *y, const int vectors, ptrdiff_t lanes);

BONN_INLINE void pool(const bonn_pool *p, const float *x, float *y, bonn_range rows,
                      pool_channels_fn *channels) {
    const bonn_window *w = &p->window;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++) {
        const bonn_output_row r = bonn_locate_row(w, row);
        for (ptrdiff_t column = 0; column < w->out_width; column++) {
            const bonn_pool_place at = bonn_locate_pool(w, r, column);
            float *out = y + ((row - w->out_row) * w->out_width + column) * p->channels;
            ptrdiff_t c = 0;
            for (; c + VECTORS * LANES <= p->channels; c += VECTORS * LANES) {
                channels(p, x + c, &at, out + c, VECTORS, LANES);
            }
            for (; c + LANES <= p->channels; c += LANES) {
                channels(p, x + c, &at, out + c, 1, LANES);
            }
            if (c < p->channels) {
                channels(p, x + c, &at, out + c, 1, p->channels - c);
            }
        }
    }
}

void BONN_MAX_POOL(const bonn_pool *p, const float *x, float *y, bonn_range rows) {
    pool(p, x, y, rows, maximum);
}

void BONN_AVERAGE_POOL(const bonn_pool *p, const float *x, float *y, bonn_range rows) {
    pool(p, x, y, rows, average);
}
