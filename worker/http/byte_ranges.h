// Which parts of a representation a client asks for (RFC 9110 section 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::http {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t count = 0; // never 0

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a Range field comes to for `size` bytes. Nothing: it is to be ignored, because it is of another unit, malformed, has
/// more than 16 ranges (section 17.15). Empty: none of them can be satisfied (416).
/// Otherwise each of them that can, cut at the end, in the order of the field; if two overlap, all are put in order and those
/// that touch become one, so that nothing is sent twice.
[[nodiscard]] std::optional<std::vector<ByteRange>> select_byte_ranges(std::string_view field, std::uint64_t size);

/// "bytes 0-499/1234"
[[nodiscard]] std::string content_range(const ByteRange& range, std::uint64_t size);
/// "bytes */1234", of a 416
[[nodiscard]] std::string unsatisfied_range(std::uint64_t size);

} // namespace mpsup::http
