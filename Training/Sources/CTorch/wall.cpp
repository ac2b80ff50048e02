// The exception wall: what C++ threw becomes a message that Swift can throw on.
#include "ctorch_internal.hpp"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <sstream>

namespace {

// A failed cat of a thousand tensors should not print a thousand shapes.
constexpr size_t shapes_shown = 8;

std::string message(const char *operation, ctorch::Inputs inputs, const char *what) {
    std::ostringstream text;
    text << operation << "(";
    size_t shown = 0;
    for (const ctorch_tensor *input : inputs) {
        if (input == nullptr) {
            continue;
        }
        if (shown == shapes_shown) {
            text << ", ... " << inputs.size() << " in all";
            break;
        }
        text << (shown++ == 0 ? "" : ", ") << c10::toString(input->value.scalar_type()) << " "
             << input->value.sizes();
    }
    text << "): " << what;
    std::string result = text.str();
    while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) {
        result.pop_back();
    }
    return result;
}

void set(const char *operation, ctorch::Inputs inputs, const char *what, char **error) noexcept {
    try {
        *error = strdup(message(operation, inputs, what).c_str());
    } catch (...) {
        // No memory for the long form. A null message still reads as a failure.
        *error = strdup(operation);
    }
}

} // namespace

int ctorch::report(const char *operation, Inputs inputs, char **error) noexcept {
    try {
        throw;
    } catch (const c10::Error &failure) {
        set(operation, inputs, failure.what_without_backtrace(), error);
    } catch (const std::exception &failure) {
        set(operation, inputs, failure.what(), error);
    } catch (...) {
        set(operation, inputs, "unknown C++ exception", error);
    }
    return 1;
}

void ctorch::require_no_gradient_mode() {
    TORCH_CHECK(!c10::GradMode::is_enabled(),
                "in-place changes are allowed only inside withoutGradient");
}

void ctorch_free_message(char *message) {
    std::free(message);
}
