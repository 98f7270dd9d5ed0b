// A text whose escapes are decoded, and where in the raw text each of its octets came from.
#pragma once

#include "worker/links/edit.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mpsup::links {

/// Of URLs, so a code point beyond ASCII that was written as an escape is decoded to the percent-encoded octets of its UTF-8,
/// which is what a browser makes of it, whatever the encoding of the text around it.
class DecodedText {
public:
    /// One octet of the raw text at `from`, or one that an escape there stands for.
    void add(char octet, std::size_t from) {
        text_ += octet;
        from_.push_back(static_cast<std::uint32_t>(from));
    }

    /// What an escape at `from` stands for. NUL and what is no code point are U+FFFD.
    void add_code_point(std::uint32_t code_point, std::size_t from);

    /// What was added last is an escape without an end of its own: another octet behind it might be read as a part of it.
    void leave_open() { open_.push_back(text_.size()); }

    /// `end`: of the raw text. Nothing is added afterwards.
    void finish(std::size_t end) { from_.push_back(static_cast<std::uint32_t>(end)); }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    /// An edit of the decoded text as one of the raw text; its text is still not encoded. An escape is replaced whole, and
    /// with what follows it if it was left open.
    [[nodiscard]] Edit raw(Edit edit) const;

private:
    std::string text_;
    std::vector<std::uint32_t> from_; // raw texts are far below 4 GiB
    std::vector<std::size_t> open_;   // where in the text something follows an open escape
};

} // namespace mpsup::links
