// Seeded generators of their own, never LibTorch's global ones.
#include "ctorch_internal.hpp"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randperm.h>

#include <mutex>

using namespace ctorch;

int ctorch_generator_create(uint64_t seed, ctorch_device device, ctorch_generator **result,
                            char **error) {
    return guarded("generator", {}, error, [&] {
        // A clone of the device's default generator: the one way that is the same for every device.
        at::Generator shared = at::globalContext().defaultGenerator(ctorch::device(device));
        const std::lock_guard<std::mutex> lock(shared.mutex());
        at::Generator own = shared.clone();
        own.set_current_seed(seed);
        *result = new ctorch_generator{std::move(own)};
    });
}

void ctorch_generator_free(ctorch_generator *generator) {
    delete generator;
}

int ctorch_generator_state(const ctorch_generator *generator, ctorch_tensor **result,
                           char **error) {
    return produced("generator state", {}, result, error,
                    [&] { return generator->value.get_state(); });
}

int ctorch_generator_set_state(ctorch_generator *generator, const ctorch_tensor *state,
                               char **error) {
    return guarded("set generator state", {state}, error,
                   [&] { generator->value.set_state(unwrap(state)); });
}

int ctorch_normal(ctorch_extents shape, size_t rank, double mean, double deviation,
                  ctorch_dtype dtype, ctorch_device device, ctorch_generator *generator,
                  ctorch_tensor **result, char **error) {
    return produced("normal", {}, result, error, [&] {
        return at::empty(extents(shape, rank), options(dtype, device))
            .normal_(mean, deviation, generator->value);
    });
}

int ctorch_uniform(ctorch_extents shape, size_t rank, double low, double high, ctorch_dtype dtype,
                   ctorch_device device, ctorch_generator *generator, ctorch_tensor **result,
                   char **error) {
    return produced("uniform", {}, result, error, [&] {
        return at::empty(extents(shape, rank), options(dtype, device))
            .uniform_(low, high, generator->value);
    });
}

int ctorch_bernoulli(ctorch_extents shape, size_t rank, double probability, ctorch_dtype dtype,
                     ctorch_device device, ctorch_generator *generator, ctorch_tensor **result,
                     char **error) {
    return produced("bernoulli", {}, result, error, [&] {
        return at::empty(extents(shape, rank), options(dtype, device))
            .bernoulli_(probability, generator->value);
    });
}

int ctorch_permutation(int64_t count, ctorch_device device, ctorch_generator *generator,
                       ctorch_tensor **result, char **error) {
    return produced("permutation", {}, result, error, [&] {
        return at::randperm(count, generator->value, options(CTORCH_INT64, device));
    });
}
