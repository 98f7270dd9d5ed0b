// Entity tags, dates and the conditions that clients attach to them (RFC 9110 section 13).
#pragma once

#include "worker/http/request.h"

#include <array>
#include <ctime>
#include <string_view>
#include <sys/stat.h>

namespace mpsup::static_files {

/// What identifies one state of a file.
class Validators {
public:
    explicit Validators(const struct stat& status) noexcept;

    /// Strong: inode, size and modification time in nanoseconds, in quotes.
    [[nodiscard]] std::string_view etag() const noexcept { return {etag_.data(), etag_size_}; }
    [[nodiscard]] std::time_t modified() const noexcept { return modified_; }

private:
    std::array<char, 56> etag_{};
    std::size_t etag_size_ = 0;
    std::time_t modified_ = 0;
};

/// What the conditions of a GET or HEAD come to: 200, 304, or 412, in the order of section 13.2.2.
[[nodiscard]] int evaluate_conditions(const http::Request& request, const Validators& validators) noexcept;

/// Does If-Range, if there is one, name this very state (section 13.1.5)? By a strong tag, or by the exact date if that is
/// more than a second before `now`, the Date of the reply; whatever else is in it does not.
[[nodiscard]] bool if_range_holds(const http::Request& request, const Validators& validators, std::time_t now) noexcept;

} // namespace mpsup::static_files
