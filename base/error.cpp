#include "base/error.h"

#include <cerrno>

namespace mpsup {

std::string Error::to_string() const { return code ? what + ": " + code.message() : what; }

std::unexpected<Error> system_failure(std::string_view what) { return system_failure(what, errno); }

std::unexpected<Error> system_failure(std::string_view what, int errno_value) {
    return std::unexpected(Error{std::string(what), {errno_value, std::system_category()}});
}

std::unexpected<Error> failure(std::string what) { return std::unexpected(Error{std::move(what), {}}); }

} // namespace mpsup
