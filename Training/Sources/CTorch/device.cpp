// Devices, threads, determinism.
#include "ctorch_internal.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <dlfcn.h>

#include <string>

using namespace ctorch;

namespace {

// No symbol of ours refers to libtorch_cuda, so linkers drop it and LibTorch would report that no
// CUDA device exists. It is loaded by name from the folder where libtorch_cpu was found.
void load_cuda_library() {
#ifdef __linux__
    static const bool once = [] {
        Dl_info found;
        if (dladdr(reinterpret_cast<void *>(&at::get_num_threads), &found) != 0 &&
            found.dli_fname != nullptr) {
            const std::string file(found.dli_fname);
            const size_t slash = file.rfind('/');
            const std::string folder = slash == std::string::npos ? "" : file.substr(0, slash + 1);
            // Absent from CPU builds: then the count of CUDA devices is 0.
            dlopen((folder + "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
        }
        return true;
    }();
    (void)once;
#endif
}

} // namespace

int ctorch_device_count(ctorch_device_kind kind, int32_t *count, char **error) {
    return guarded("device count", {}, error, [&] {
        switch (kind) {
        case CTORCH_CPU:
            *count = 1;
            break;
        case CTORCH_CUDA:
            load_cuda_library();
            *count = at::hasCUDA()
                         ? at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount()
                         : 0;
            break;
        case CTORCH_MPS:
            *count = at::hasMPS() ? 1 : 0;
            break;
        }
    });
}

int ctorch_memory(ctorch_device device, int64_t *allocated, int64_t *peak, int64_t *reserved,
                  char **error) {
    return guarded("memory statistics", {}, error, [&] {
        const at::Device place = ctorch::device(device);
        const auto statistics = at::getDeviceAllocator(place.type())->getDeviceStats(place.index());
        constexpr auto aggregate = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        *allocated = statistics.allocated_bytes[aggregate].current;
        *peak = statistics.allocated_bytes[aggregate].peak;
        *reserved = statistics.reserved_bytes[aggregate].current;
    });
}

int ctorch_set_threads(int32_t count, char **error) {
    return guarded("set threads", {}, error, [&] { at::set_num_threads(count); });
}

int32_t ctorch_threads(void) {
    return at::get_num_threads();
}

int ctorch_set_deterministic(bool flag, char **error) {
    return guarded("set deterministic", {}, error, [&] {
        at::Context &context = at::globalContext();
        context.setDeterministicAlgorithms(flag, /*warn_only=*/false);
        context.setDeterministicCuDNN(flag);
        context.setDeterministicMkldnn(flag);
        // Filling every new tensor with NaN, the default of this mode, only costs time here.
        context.setDeterministicFillUninitializedMemory(false);
    });
}

const char *ctorch_version(void) {
    return TORCH_VERSION;
}
