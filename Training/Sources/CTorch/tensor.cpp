// Life of a tensor: creation, properties, bytes in and out, conversion.
#include "ctorch_internal.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>

#include <cstring>

using namespace ctorch;

at::ScalarType ctorch::scalar_type(ctorch_dtype dtype) {
    switch (dtype) {
    case CTORCH_FLOAT32:
        return at::kFloat;
    case CTORCH_FLOAT64:
        return at::kDouble;
    case CTORCH_INT32:
        return at::kInt;
    case CTORCH_INT64:
        return at::kLong;
    case CTORCH_UINT8:
        return at::kByte;
    case CTORCH_BOOL:
        return at::kBool;
    case CTORCH_OTHER:
        break;
    }
    TORCH_CHECK(false, "element type ", static_cast<int>(dtype), " cannot be created");
}

at::Device ctorch::device(ctorch_device device) {
    switch (device.kind) {
    case CTORCH_CPU:
        return at::Device(at::kCPU);
    case CTORCH_CUDA:
        return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device.index));
    case CTORCH_MPS:
        return at::Device(at::kMPS, 0);
    }
    TORCH_CHECK(false, "unknown kind of device ", static_cast<int>(device.kind));
}

at::TensorOptions ctorch::options(ctorch_dtype dtype, ctorch_device device) {
    return at::TensorOptions().dtype(scalar_type(dtype)).device(ctorch::device(device));
}

void ctorch_free(ctorch_tensor *x) {
    delete x;
}

size_t ctorch_rank(const ctorch_tensor *x) {
    return static_cast<size_t>(unwrap(x).dim());
}

void ctorch_shape(const ctorch_tensor *x, ptrdiff_t *extents) {
    const at::IntArrayRef sizes = unwrap(x).sizes();
    std::copy(sizes.begin(), sizes.end(), extents);
}

size_t ctorch_count(const ctorch_tensor *x) {
    return static_cast<size_t>(unwrap(x).numel());
}

ctorch_dtype ctorch_dtype_of(const ctorch_tensor *x) {
    switch (unwrap(x).scalar_type()) {
    case at::kFloat:
        return CTORCH_FLOAT32;
    case at::kDouble:
        return CTORCH_FLOAT64;
    case at::kInt:
        return CTORCH_INT32;
    case at::kLong:
        return CTORCH_INT64;
    case at::kByte:
        return CTORCH_UINT8;
    case at::kBool:
        return CTORCH_BOOL;
    default:
        return CTORCH_OTHER;
    }
}

ctorch_device ctorch_device_of(const ctorch_tensor *x) {
    const at::Device device = unwrap(x).device();
    if (device.is_cuda()) {
        return {CTORCH_CUDA, device.index()};
    }
    return {device.is_mps() ? CTORCH_MPS : CTORCH_CPU, 0};
}

bool ctorch_is_contiguous(const ctorch_tensor *x, bool channels_last) {
    return unwrap(x).is_contiguous(channels_last ? at::MemoryFormat::ChannelsLast
                                                 : at::MemoryFormat::Contiguous);
}

int ctorch_full(ctorch_extents shape, size_t rank, double value, ctorch_dtype dtype,
                ctorch_device device, ctorch_tensor **result, char **error) {
    return produced("full", {}, result, error,
                    [&] { return at::full(extents(shape, rank), value, options(dtype, device)); });
}

int ctorch_empty(ctorch_extents shape, size_t rank, ctorch_dtype dtype, ctorch_device device,
                 ctorch_tensor **result, char **error) {
    return produced("empty", {}, result, error,
                    [&] { return at::empty(extents(shape, rank), options(dtype, device)); });
}

int ctorch_arange(int64_t count, ctorch_dtype dtype, ctorch_device device, ctorch_tensor **result,
                  char **error) {
    return produced("arange", {}, result, error,
                    [&] { return at::arange(count, options(dtype, device)); });
}

int ctorch_from_bytes(const void *bytes, size_t size, ctorch_extents shape, size_t rank,
                      ctorch_dtype dtype, ctorch_device device, ctorch_tensor **result,
                      char **error) {
    return produced("tensor", {}, result, error, [&] {
        const auto sizes = extents(shape, rank);
        at::Tensor host = at::empty(sizes, options(dtype, {CTORCH_CPU, 0}));
        TORCH_CHECK(host.nbytes() == size, "shape ", at::IntArrayRef(sizes), " of ",
                    host.scalar_type(), " needs ", host.nbytes(), " bytes, found ", size);
        if (size > 0) {
            std::memcpy(host.mutable_data_ptr(), bytes, size);
        }
        return host.to(ctorch::device(device));
    });
}

int ctorch_to_bytes(const ctorch_tensor *x, void *bytes, size_t size, char **error) {
    return guarded("bytes", {x}, error, [&] {
        const at::Tensor host = unwrap(x).detach().to(at::kCPU).contiguous();
        TORCH_CHECK(host.nbytes() == size, "needs ", host.nbytes(), " bytes, found ", size);
        if (size > 0) {
            std::memcpy(bytes, host.const_data_ptr(), size);
        }
    });
}

int ctorch_item(const ctorch_tensor *x, double *value, char **error) {
    return guarded("item", {x}, error, [&] { *value = unwrap(x).item().toDouble(); });
}

int ctorch_to_device(const ctorch_tensor *x, ctorch_device device, ctorch_tensor **result,
                     char **error) {
    return produced("to device", {x}, result, error,
                    [&] { return unwrap(x).to(ctorch::device(device)); });
}

int ctorch_to_dtype(const ctorch_tensor *x, ctorch_dtype dtype, ctorch_tensor **result,
                    char **error) {
    return produced("to dtype", {x}, result, error,
                    [&] { return unwrap(x).to(scalar_type(dtype)); });
}

int ctorch_contiguous(const ctorch_tensor *x, bool channels_last, ctorch_tensor **result,
                      char **error) {
    return produced("contiguous", {x}, result, error, [&] {
        return unwrap(x).contiguous(channels_last ? at::MemoryFormat::ChannelsLast
                                                  : at::MemoryFormat::Contiguous);
    });
}

int ctorch_clone(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("clone", {x}, result, error, [&] { return unwrap(x).clone(); });
}

int ctorch_all_finite(const ctorch_tensor *x, bool *finite, char **error) {
    return guarded("allFinite", {x}, error,
                   [&] { *finite = at::isfinite(unwrap(x)).all().item().toBool(); });
}

int ctorch_equal(const ctorch_tensor *a, const ctorch_tensor *b, bool *equal, char **error) {
    return guarded("equal", {a, b}, error, [&] {
        *equal = unwrap(a).scalar_type() == unwrap(b).scalar_type() && unwrap(a).equal(unwrap(b));
    });
}
