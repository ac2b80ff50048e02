/* LibTorch behind plain C: the whole of the boundary between Swift and C++.
 *
 * A tensor is an opaque pointer that owns one reference to a LibTorch tensor; whoever receives one
 * through `result` frees it with ctorch_free. Every function that can fail returns 0, or 1 and a
 * message in `*error` that the caller frees with ctorch_free_message: LibTorch's own message behind
 * the name of the operation and the shapes of its inputs. On failure no result is written. No C++
 * exception leaves these functions. A tensor argument marked `optional` may be null.
 *
 * Tensors may be used from one thread at a time. Gradient recording is a mode of the thread. */
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ctorch_tensor ctorch_tensor;
typedef struct ctorch_generator ctorch_generator;

typedef enum {
    CTORCH_FLOAT32,
    CTORCH_FLOAT64,
    CTORCH_INT32,
    CTORCH_INT64,
    CTORCH_UINT8,
    CTORCH_BOOL,
    CTORCH_OTHER, /* an element type that this boundary does not create */
} ctorch_dtype;

typedef enum { CTORCH_CPU, CTORCH_CUDA, CTORCH_MPS } ctorch_device_kind;

typedef struct {
    ctorch_device_kind kind;
    int32_t index;
} ctorch_device;

/* Extents of a tensor or numbers of dimensions; negative dimensions count from the last. */
typedef const ptrdiff_t *ctorch_extents;

/* -------------------------------------------------------------------- tensor.cpp: life and data */

void ctorch_free(ctorch_tensor *x);
void ctorch_free_message(char *message);

size_t ctorch_rank(const ctorch_tensor *x);
void ctorch_shape(const ctorch_tensor *x, ptrdiff_t *extents); /* ctorch_rank(x) of them */
size_t ctorch_count(const ctorch_tensor *x);
ctorch_dtype ctorch_dtype_of(const ctorch_tensor *x);
ctorch_device ctorch_device_of(const ctorch_tensor *x);
bool ctorch_is_contiguous(const ctorch_tensor *x, bool channels_last);

int ctorch_full(ctorch_extents shape, size_t rank, double value, ctorch_dtype dtype,
                ctorch_device device, ctorch_tensor **result, char **error);
int ctorch_empty(ctorch_extents shape, size_t rank, ctorch_dtype dtype, ctorch_device device,
                 ctorch_tensor **result, char **error);
int ctorch_arange(int64_t count, ctorch_dtype dtype, ctorch_device device, ctorch_tensor **result,
                  char **error);
/* Copies `size` bytes, elements in row-major order. */
int ctorch_from_bytes(const void *bytes, size_t size, ctorch_extents shape, size_t rank,
                      ctorch_dtype dtype, ctorch_device device, ctorch_tensor **result,
                      char **error);
/* Copies the elements out in row-major order; `size` must be what they occupy. */
int ctorch_to_bytes(const ctorch_tensor *x, void *bytes, size_t size, char **error);
int ctorch_item(const ctorch_tensor *x, double *value, char **error);

int ctorch_to_device(const ctorch_tensor *x, ctorch_device device, ctorch_tensor **result,
                     char **error);
int ctorch_to_dtype(const ctorch_tensor *x, ctorch_dtype dtype, ctorch_tensor **result,
                    char **error);
int ctorch_contiguous(const ctorch_tensor *x, bool channels_last, ctorch_tensor **result,
                      char **error);
int ctorch_clone(const ctorch_tensor *x, ctorch_tensor **result, char **error);
int ctorch_all_finite(const ctorch_tensor *x, bool *finite, char **error);
/* Same shape, element type and element values, bit for bit where they are numbers. */
int ctorch_equal(const ctorch_tensor *a, const ctorch_tensor *b, bool *equal, char **error);

/* ------------------------------------------------------------------------------------ shape.cpp */

int ctorch_reshape(const ctorch_tensor *x, ctorch_extents shape, size_t rank,
                   ctorch_tensor **result, char **error);
int ctorch_view(const ctorch_tensor *x, ctorch_extents shape, size_t rank, ctorch_tensor **result,
                char **error);
int ctorch_expand(const ctorch_tensor *x, ctorch_extents shape, size_t rank, ctorch_tensor **result,
                  char **error);
int ctorch_permute(const ctorch_tensor *x, ctorch_extents dims, size_t rank, ctorch_tensor **result,
                   char **error);
int ctorch_flip(const ctorch_tensor *x, ctorch_extents dims, size_t count, ctorch_tensor **result,
                char **error);
int ctorch_transpose(const ctorch_tensor *x, ptrdiff_t a, ptrdiff_t b, ctorch_tensor **result,
                     char **error);
int ctorch_flatten(const ctorch_tensor *x, ptrdiff_t first, ctorch_tensor **result, char **error);
int ctorch_unsqueeze(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error);
int ctorch_squeeze(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error);
int ctorch_narrow(const ctorch_tensor *x, ptrdiff_t dim, ptrdiff_t start, ptrdiff_t length,
                  ctorch_tensor **result, char **error);
int ctorch_select(const ctorch_tensor *x, ptrdiff_t dim, ptrdiff_t index, ctorch_tensor **result,
                  char **error);
int ctorch_index_select(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                        ctorch_tensor **result, char **error);
int ctorch_gather(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                  ctorch_tensor **result, char **error);
/* x with `source`'s slices added to the slices that `index` names; repeats accumulate. */
int ctorch_index_add(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                     const ctorch_tensor *source, ctorch_tensor **result, char **error);
int ctorch_cat(const ctorch_tensor *const *inputs, size_t count, ptrdiff_t dim,
               ctorch_tensor **result, char **error);
int ctorch_stack(const ctorch_tensor *const *inputs, size_t count, ptrdiff_t dim,
                 ctorch_tensor **result, char **error);
/* `widths`: before and after, from the last dimension backwards. Modes: constant, reflect,
 * replicate, circular; `value` is for constant. */
int ctorch_pad(const ctorch_tensor *x, ctorch_extents widths, size_t count, const char *mode,
               double value, ctorch_tensor **result, char **error);

/* ------------------------------------------------------- arithmetic.cpp: one element at a time */

#define CTORCH_UNARY(name)                                                                         \
    int ctorch_##name(const ctorch_tensor *x, ctorch_tensor **result, char **error)
CTORCH_UNARY(neg);
CTORCH_UNARY(abs);
CTORCH_UNARY(sqrt);
CTORCH_UNARY(rsqrt);
CTORCH_UNARY(exp);
CTORCH_UNARY(log);
CTORCH_UNARY(square);
CTORCH_UNARY(sin);
CTORCH_UNARY(cos);
CTORCH_UNARY(tanh);
CTORCH_UNARY(sigmoid);
CTORCH_UNARY(relu);
CTORCH_UNARY(floor);
CTORCH_UNARY(round); /* halves to even */
CTORCH_UNARY(isfinite);
CTORCH_UNARY(sign); /* +1 where x >= 0, zero included, else -1; gradient 0 */

#define CTORCH_BINARY(name)                                                                        \
    int ctorch_##name(const ctorch_tensor *a, const ctorch_tensor *b, ctorch_tensor **result,      \
                      char **error)
CTORCH_BINARY(add);
CTORCH_BINARY(sub);
CTORCH_BINARY(mul);
CTORCH_BINARY(div);
CTORCH_BINARY(pow);
CTORCH_BINARY(maximum);
CTORCH_BINARY(minimum);
CTORCH_BINARY(ge);
CTORCH_BINARY(gt);
CTORCH_BINARY(le);
CTORCH_BINARY(lt);
CTORCH_BINARY(eq);
CTORCH_BINARY(matmul);

#define CTORCH_SCALAR(name)                                                                        \
    int ctorch_##name(const ctorch_tensor *a, double b, ctorch_tensor **result, char **error)
CTORCH_SCALAR(add_scalar);
CTORCH_SCALAR(sub_scalar);
CTORCH_SCALAR(mul_scalar);
CTORCH_SCALAR(div_scalar);
CTORCH_SCALAR(pow_scalar);
CTORCH_SCALAR(ge_scalar);
CTORCH_SCALAR(gt_scalar);
CTORCH_SCALAR(le_scalar);
CTORCH_SCALAR(lt_scalar);
CTORCH_SCALAR(eq_scalar);
CTORCH_SCALAR(scalar_sub); /* b - a */
CTORCH_SCALAR(scalar_div); /* b / a */

int ctorch_clamp(const ctorch_tensor *x, const double *min /* optional */,
                 const double *max /* optional */, ctorch_tensor **result, char **error);
int ctorch_where(const ctorch_tensor *condition, const ctorch_tensor *a, const ctorch_tensor *b,
                 ctorch_tensor **result, char **error);

/* -------------------------------------------------------------------------------- reduction.cpp */

int ctorch_sum(const ctorch_tensor *x, ctorch_tensor **result, char **error);
int ctorch_mean(const ctorch_tensor *x, ctorch_tensor **result, char **error);
int ctorch_norm(const ctorch_tensor *x, ctorch_tensor **result, char **error); /* Euclidean */
#define CTORCH_REDUCTION(name)                                                                     \
    int ctorch_##name(const ctorch_tensor *x, ctorch_extents dims, size_t count, bool keep,        \
                      ctorch_tensor **result, char **error)
CTORCH_REDUCTION(sum_dims);
CTORCH_REDUCTION(mean_dims);
CTORCH_REDUCTION(amax);
CTORCH_REDUCTION(amin);
int ctorch_variance(const ctorch_tensor *x, ctorch_extents dims, size_t count, bool unbiased,
                    bool keep, ctorch_tensor **result, char **error);
int ctorch_argmax(const ctorch_tensor *x, ptrdiff_t dim, bool keep, ctorch_tensor **result,
                  char **error);
int ctorch_topk(const ctorch_tensor *x, ptrdiff_t k, ptrdiff_t dim, ctorch_tensor **values,
                ctorch_tensor **indices, char **error);
int ctorch_softmax(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error);
int ctorch_log_softmax(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error);

/* --------------------------------------------------------------------------------------- nn.cpp */

int ctorch_linear(const ctorch_tensor *x, const ctorch_tensor *weight,
                  const ctorch_tensor *bias /* optional */, ctorch_tensor **result, char **error);
int ctorch_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight,
                  const ctorch_tensor *bias /* optional */, int64_t stride, int64_t padding,
                  int64_t dilation, int64_t groups, ctorch_tensor **result, char **error);
/* Updates running_mean and running_variance when training. */
int ctorch_batch_norm(const ctorch_tensor *x, const ctorch_tensor *weight /* optional */,
                      const ctorch_tensor *bias /* optional */,
                      const ctorch_tensor *running_mean /* optional */,
                      const ctorch_tensor *running_variance /* optional */, bool training,
                      double momentum, double epsilon, ctorch_tensor **result, char **error);
int ctorch_avg_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding,
                      bool ceil_mode, bool count_padding, ctorch_tensor **result, char **error);
int ctorch_max_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding,
                      bool ceil_mode, ctorch_tensor **result, char **error);
int ctorch_adaptive_avg_pool2d(const ctorch_tensor *x, int64_t height, int64_t width,
                               ctorch_tensor **result, char **error);
int ctorch_prelu(const ctorch_tensor *x, const ctorch_tensor *slope, ctorch_tensor **result,
                 char **error);
int ctorch_leaky_relu(const ctorch_tensor *x, double slope, ctorch_tensor **result, char **error);
int ctorch_dropout(const ctorch_tensor *x, double probability, ctorch_generator *generator,
                   ctorch_tensor **result, char **error);
/* Mean over the batch, weighted by class where there are weights; targets are class numbers (int64)
   or probabilities. */
int ctorch_cross_entropy(const ctorch_tensor *logits, const ctorch_tensor *targets,
                         const ctorch_tensor *weights /* optional */, double label_smoothing,
                         ctorch_tensor **result, char **error);

/* --------------------------------------------------------------------------------- autograd.cpp */

/* Sets the mode of this thread, returns the former. */
bool ctorch_set_gradient_mode(bool enabled);
bool ctorch_gradient_mode(void);
bool ctorch_requires_gradient(const ctorch_tensor *x);
int ctorch_set_requires_gradient(ctorch_tensor *x, bool flag, char **error);
int ctorch_detach(const ctorch_tensor *x, ctorch_tensor **result, char **error);
/* What a gradient becomes. `gradient` belongs to the callee, which leaves a tensor of the same
 * shape in `result` with `ctorch_share`. Returns 0, or 1 and a message, which is freed with
 * ctorch_free_message. */
typedef int (*ctorch_gradient_map)(void *context, ctorch_tensor *gradient, ctorch_tensor *result,
                                   char **error);
/* x, whose gradient `map` changes before it reaches x. `release` is called once with the context,
 * when nothing refers to it any more, whatever this returns. */
int ctorch_map_gradient(const ctorch_tensor *x, void *context, ctorch_gradient_map map,
                        void (*release)(void *), ctorch_tensor **result, char **error);
/* Lets `target` stand for the tensor of `source`. */
void ctorch_share(ctorch_tensor *target, const ctorch_tensor *source);
/* A message for a ctorch_gradient_map; NULL without memory. */
char *ctorch_message(const char *text);
int ctorch_backward(const ctorch_tensor *x, const ctorch_tensor *gradient /* optional */,
                    bool retain_graph, char **error);
/* *result is null where there is none. */
int ctorch_gradient(const ctorch_tensor *x, ctorch_tensor **result, char **error);
int ctorch_set_gradient(ctorch_tensor *x, const ctorch_tensor *gradient /* optional */,
                        char **error);

/* ------------------------- update.cpp: in place, an error while gradients are being recorded */

int ctorch_copy_(ctorch_tensor *x, const ctorch_tensor *source, char **error);
int ctorch_add_(ctorch_tensor *x, const ctorch_tensor *other, double scale, char **error);
int ctorch_mul_(ctorch_tensor *x, double factor, char **error);
int ctorch_fill_(ctorch_tensor *x, double value, char **error);
int ctorch_clamp_(ctorch_tensor *x, double min, double max, char **error);
int ctorch_lerp_(ctorch_tensor *x, const ctorch_tensor *end, double weight, char **error);

/* ----------------------------------------------------------------------------------- random.cpp */

int ctorch_generator_create(uint64_t seed, ctorch_device device, ctorch_generator **result,
                            char **error);
void ctorch_generator_free(ctorch_generator *generator);
/* The state as a uint8 tensor. */
int ctorch_generator_state(const ctorch_generator *generator, ctorch_tensor **result, char **error);
int ctorch_generator_set_state(ctorch_generator *generator, const ctorch_tensor *state,
                               char **error);
int ctorch_normal(ctorch_extents shape, size_t rank, double mean, double deviation,
                  ctorch_dtype dtype, ctorch_device device, ctorch_generator *generator,
                  ctorch_tensor **result, char **error);
/* low <= value < high */
int ctorch_uniform(ctorch_extents shape, size_t rank, double low, double high, ctorch_dtype dtype,
                   ctorch_device device, ctorch_generator *generator, ctorch_tensor **result,
                   char **error);
int ctorch_bernoulli(ctorch_extents shape, size_t rank, double probability, ctorch_dtype dtype,
                     ctorch_device device, ctorch_generator *generator, ctorch_tensor **result,
                     char **error);
int ctorch_permutation(int64_t count, ctorch_device device, ctorch_generator *generator,
                       ctorch_tensor **result, char **error);

/* ----------------------------------------------------------------------------------- memory.cpp */

/* Large blocks of tensors on the processor stay with the process when they are freed, where the
 * system is Linux. */
void ctorch_keep_freed_memory(void);

/* Bytes of such blocks: in tensors now, the most there ever was in tensors, and held in all. False
 * where none are kept. */
bool ctorch_kept_memory(int64_t *used, int64_t *peak, int64_t *held);

/* ----------------------------------------------------------------------------------- device.cpp */

/* How many devices of that kind this process can use. */
int ctorch_device_count(ctorch_device_kind kind, int32_t *count, char **error);
/* Of a CUDA device, in bytes. */
int ctorch_memory(ctorch_device device, int64_t *allocated, int64_t *peak, int64_t *reserved,
                  char **error);
int ctorch_set_threads(int32_t count, char **error);
int32_t ctorch_threads(void);
/* How many threads a loop of a fused operation was just shared by: those of ctorch_threads, or 1
 * where LibTorch runs on another OpenMP runtime than GCC's. */
int32_t ctorch_loop_threads(void);
int ctorch_set_deterministic(bool flag, char **error);
const char *ctorch_version(void); /* of the headers that this was compiled with */

/* -------------------------------------------------------------------------------- optimiser.cpp */

/* One step over a group: buffer = momentum buffer + (gradient + decay x), x -= rate (Nesterov:
 * gradient + momentum buffer; else buffer). Parameters without a gradient are left alone. `buffers`
 * is null when momentum is 0. */
int ctorch_sgd_step(ctorch_tensor *const *parameters, ctorch_tensor *const *buffers, size_t count,
                    double learning_rate, double momentum, double weight_decay, bool nesterov,
                    char **error);
/* One step over a group. `steps` counts the updates of each parameter and is advanced for those
 * that have a gradient. Decoupled: the decay multiplies the parameter (AdamW). */
int ctorch_adam_step(ctorch_tensor *const *parameters, ctorch_tensor *const *first_moments,
                     ctorch_tensor *const *second_moments, int64_t *steps, size_t count,
                     double learning_rate, double beta1, double beta2, double epsilon,
                     double weight_decay, bool decoupled, char **error);

#ifdef __cplusplus
}
#endif

#endif
