// CRC-32C (RFC 3720 appendix B.4): finds what was torn, overwritten or cut.
#pragma once

#include <cstdint>
#include <string_view>

namespace mpsup::cache {

/// Of `bytes` that follow those whose checksum is `before` (0: none). By the CPU's instruction where there is one.
[[nodiscard]] std::uint32_t checksum(std::string_view bytes, std::uint32_t before = 0) noexcept;

} // namespace mpsup::cache
