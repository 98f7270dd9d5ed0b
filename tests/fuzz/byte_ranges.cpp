// A Range field for a file of any size: what is selected lies within it, and nothing is sent twice.
#include "worker/http/byte_ranges.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using mpsup::http::ByteRange;
    std::uint64_t length = 0;
    const std::size_t used = std::min(size, sizeof length);
    std::memcpy(&length, data, used);
    const std::string_view field(reinterpret_cast<const char*>(data + used), size - used);
    auto ranges = mpsup::http::select_byte_ranges(field, length);
    if (!ranges) return 0;
    if (ranges->size() > 16) std::abort();
    for (const ByteRange& range : *ranges)
        if (range.count == 0 || range.first >= length || range.count > length - range.first) std::abort();
    std::ranges::sort(*ranges, {}, &ByteRange::first);
    for (std::size_t i = 1; i < ranges->size(); ++i)
        if ((*ranges)[i].first < (*ranges)[i - 1].first + (*ranges)[i - 1].count) std::abort();
    return 0;
}
