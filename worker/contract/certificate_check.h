// What a worker program says of certificates before anything is started: it is the one that would serve them.
#pragma once

#include "base/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace mpsup::contract {

/// The option of the worker programs; behind it the pairs, as CERT KEY CERT KEY …
constexpr std::string_view check_certificates_option = "--check-certificates";

/// Of one pair: the first thing that is wrong, or what is doubtful.
struct PairVerdict {
    std::string problem{}; // empty: nothing
    std::string remedy{};
    bool of_key = false; // rather than of the certificate
    bool harmless = false;

    friend bool operator==(const PairVerdict&, const PairVerdict&) = default;
};

/// JSON, in the order of the pairs.
[[nodiscard]] std::string encode_verdicts(const std::vector<PairVerdict>& verdicts);
/// Everything is checked: other keys, types, sizes.
[[nodiscard]] Result<std::vector<PairVerdict>> decode_verdicts(std::string_view text);

} // namespace mpsup::contract
