// Percent-decoding of paths, once and strictly (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::http {

/// The path with every %XX decoded once. Nothing when an escape is malformed or decodes to NUL.
[[nodiscard]] std::optional<std::string> decode_path(std::string_view path);

/// The same for a path that names a file: nothing also for an encoded '/' or '\', which would change its segments after
/// they were judged, and for a ".." segment, encoded or not.
[[nodiscard]] std::optional<std::string> decode_file_path(std::string_view path);
/// Into `decoded`, whose memory is used again; false instead of nothing.
[[nodiscard]] bool decode_file_path(std::string_view path, std::string& decoded);

/// The octets of a path with everything but unreserved characters, '/' and the sub-delimiters escaped.
[[nodiscard]] std::string encode_path(std::string_view path);

} // namespace mpsup::http
