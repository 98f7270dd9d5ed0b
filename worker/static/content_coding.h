// Content codings, and which of them a client takes (RFC 9110 sections 8.4.1 and 12.5.3).
#pragma once

#include "worker/http/request.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mpsup::static_files {

enum class Coding : std::uint8_t { identity, brotli, zstd, gzip };

constexpr std::size_t coding_count = 4;
/// In the order in which they are preferred when a client likes them equally.
constexpr std::array<Coding, 3> codings{Coding::brotli, Coding::zstd, Coding::gzip};

/// As Content-Encoding names it; nothing for identity.
[[nodiscard]] std::string_view coding_name(Coding coding) noexcept;
/// What files of that coding end in: "br", "zst", "gz".
[[nodiscard]] std::string_view coding_ending(Coding coding) noexcept;
[[nodiscard]] std::optional<Coding> coding_of_ending(std::string_view ending) noexcept;

/// How much a client likes each coding, in thousandths; 0: not acceptable. What Accept-Encoding does not list is not
/// acceptable, but identity, which comes last then. Without the field identity alone: whoever takes more says so.
class AcceptedCodings {
public:
    /// All lines of the field. Elements with a bad weight are passed over; "x-gzip" is gzip.
    [[nodiscard]] static AcceptedCodings of(const http::Request& request) noexcept;

    [[nodiscard]] int quality(Coding coding) const noexcept { return qualities_[static_cast<std::size_t>(coding)]; }

    /// The one of `offered` that is liked best, the first of them at a tie; nothing when none is acceptable.
    [[nodiscard]] std::optional<Coding> choose(std::span<const Coding> offered) const noexcept;

private:
    std::array<int, coding_count> qualities_{1, 0, 0, 0};
};

} // namespace mpsup::static_files
