// How long clients may use a file without asking again (RFC 9111 section 5.2.2, RFC 8246).
#pragma once

#include "worker/contract/files.h"

#include <string>
#include <string_view>

namespace mpsup::static_files {

/// The value of Cache-Control for the file of this path (decoded, as the request has it); empty: nothing is said. The first
/// rule that matches counts; without one, names that hold a digest are immutable where `fingerprinted` says so.
[[nodiscard]] std::string cache_control(const contract::Files& files, std::string_view path);

/// Does the last name of the path hold a digest of the content, as build tools put it there: "app-3f9a8b2c.css",
/// "app.3f9a8b2c1d.js"? That is: 8 to 64 hexadecimal digits, letters and digits among them, between a name and an ending, each
/// set off by '.', '-' or '_'. Dates, numbers and words are none.
[[nodiscard]] bool is_fingerprinted(std::string_view path) noexcept;

} // namespace mpsup::static_files
