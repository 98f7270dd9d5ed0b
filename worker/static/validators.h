// Entity tags, dates and the conditions that clients attach to them (RFC 9110 section 13).
#pragma once

#include "worker/http/request.h"

#include <array>
#include <ctime>
#include <string_view>
#include <sys/stat.h>

namespace mpsup::static_files {

/// What identifies one state of a file, or of a form that it is sent in.
class Validators {
public:
    enum class Strength {
        strong, // the same tag, the same bytes
        weak,   // the same content: compressed by us, and another time maybe into other bytes
    };

    /// `form` tells apart what is sent of the same file: "gz", …; at most twelve letters.
    explicit Validators(const struct stat& status, std::string_view form = {},
                        Strength strength = Strength::strong) noexcept;

    /// The opaque tag: inode, size and modification time in nanoseconds, and the form, in quotes.
    [[nodiscard]] std::string_view etag() const noexcept { return field().substr(weak_ ? 2 : 0); }
    /// With W/ before it when it is weak.
    [[nodiscard]] std::string_view field() const noexcept { return {field_.data(), field_size_}; }
    [[nodiscard]] bool weak() const noexcept { return weak_; }
    [[nodiscard]] std::time_t modified() const noexcept { return modified_; }

    /// The same without a date: what is sent depends on more than the file, so conditions with dates say nothing of it.
    [[nodiscard]] Validators without_date() const noexcept {
        Validators result = *this;
        result.dated_ = false;
        return result;
    }
    [[nodiscard]] bool dated() const noexcept { return dated_; }

private:
    std::array<char, 72> field_{};
    std::size_t field_size_ = 0;
    bool weak_ = false;
    bool dated_ = true;
    std::time_t modified_ = 0;
};

/// What the conditions of a GET or HEAD come to: 200, 304, or 412, in the order of section 13.2.2. Those with dates count only
/// for what has one.
[[nodiscard]] int evaluate_conditions(const http::Request& request, const Validators& validators) noexcept;

/// Does If-Range, if there is one, name this very state (section 13.1.5)? By a strong tag, or by the exact date if that is
/// more than a second before `now`, the Date of the reply; whatever else is in it does not.
[[nodiscard]] bool if_range_holds(const http::Request& request, const Validators& validators, std::time_t now) noexcept;

} // namespace mpsup::static_files
