// Fields that concern one connection only (RFC 9110 section 7.6.1).
#pragma once

#include "worker/http/request.h"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace mpsup::accelerator {

/// Which fields of one message must not be passed on: those that Connection names, and those that concern a connection
/// by what they are: Connection itself, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade and everything that begins with
/// "Proxy-". A view of the fields, which must outlive it.
class HopByHop {
public:
    explicit HopByHop(std::span<const http::Field> fields) noexcept;

    [[nodiscard]] bool contains(std::string_view name) const noexcept;

private:
    [[nodiscard]] bool is_named(std::string_view name) const noexcept;

    std::array<std::string_view, 4> connection_; // values of Connection; "close" and "keep-alive" alone are no names
    std::size_t count_ = 0;
    bool too_many_ = false; // then look at the fields themselves
    std::span<const http::Field> fields_;
};

} // namespace mpsup::accelerator
