// The flattened form of a topology: what the command line sends, and what the supervisor and SQLite hold.
#pragma once

#include "base/error.h"
#include "supervisor/topology/topology.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mpsup::topology {

constexpr std::size_t max_document_bytes = 4U << 20;

/// Of a share (share.h): the document of its whole and, besides, `here`, the worker `moved` if it has one, and in `woken` workers
/// that are others than its whole says (but gateways).
/// JSON text with every default filled in, absolute paths, and keys in one fixed order: equal topologies give equal
/// bytes. Durations are written as a topology file has them ("1.5s").
[[nodiscard]] std::string to_document(const Topology& topology);

/// to_document(share_of(whole, machine)), given to_document(whole): they differ by that name alone.
[[nodiscard]] std::string document_of_share(std::string_view document, std::string_view machine);

/// "sha256:" and 64 hexadecimal digits, of the document's bytes.
[[nodiscard]] std::string digest_of(std::string_view document);

/// The topology in a document. Everything is untrusted: missing, unknown and misplaced keys, values that the loader
/// would refuse, overlapping listeners and trailing bytes are errors that name the place ("workers.a.pool"). Does not
/// look at the file system. A document with `here` is the share of that machine. to_document of the result is the document again, byte for byte, if to_document wrote it.
[[nodiscard]] Result<Topology> from_document(std::string_view document);

} // namespace mpsup::topology
