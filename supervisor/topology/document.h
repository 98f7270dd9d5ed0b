// A topology as one flat document: what the supervisor, SQLite and, later, etcd hold.
#pragma once

#include "base/error.h"
#include "supervisor/topology/topology.h"

#include <string>
#include <string_view>

namespace mpsup {

/// JSON, always the same text for the same topology: every key, defaults filled in, paths absolute.
[[nodiscard]] std::string to_document(const Topology& topology);

/// The way back. The text is untrusted: what is missing, misplaced or out of range is an error that names it.
[[nodiscard]] Result<Topology> parse_document(std::string_view document);

/// SHA-256 of a document, 64 hex digits (libmd).
[[nodiscard]] std::string digest_of(std::string_view document);

} // namespace mpsup
