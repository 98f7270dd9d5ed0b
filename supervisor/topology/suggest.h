// Words for messages about what somebody wrote, and what he may have meant.
#pragma once

#include "base/error.h"

#include <span>
#include <string>
#include <string_view>

namespace mpsup::topology {

/// Edits (insert, remove, replace a letter, swap two neighbours) between two words: the optimal string alignment.
[[nodiscard]] int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, near enough to be meant: at most a third of its letters away, and one in
/// a short one. Empty when there is none; the first of equals.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `text`, in ticks for a message, cut when it is long.
[[nodiscard]] std::string in_ticks(std::string_view text);

/// Why a file cannot be read, as it stands behind its name; `too_large` where it is over its limit.
[[nodiscard]] std::string unreadable(const Error& error, std::string_view too_large);

/// "did you mean `listen`?", or nothing when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

} // namespace mpsup::topology
