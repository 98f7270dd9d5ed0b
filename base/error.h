// One error value for everything that the environment can refuse: which step, on what, and why.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace mpsup {

/// What went wrong outside of our control. `what` names the step and the thing ("open /var/lib/x/state.db");
/// `code` is the reason as the system gave it, or a code of one of our own categories, or empty when `what` says all.
struct Error {
    std::string what;
    std::error_code code{};

    /// "open /var/lib/x/state.db: Permission denied"
    [[nodiscard]] std::string to_string() const;
};

template <typename T = void> using Result = std::expected<T, Error>;

/// The error of the system call that just failed: reads errno. `what` as in Error.
[[nodiscard]] std::unexpected<Error> system_failure(std::string_view what);

/// The same with an errno value at hand.
[[nodiscard]] std::unexpected<Error> system_failure(std::string_view what, int errno_value);

/// An error that no errno describes.
[[nodiscard]] std::unexpected<Error> failure(std::string what);

} // namespace mpsup
