// Where Perl code is, read from outside of it. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"

#include <cstddef>
#include <span>

namespace mpsup::perl {

/// The stack of Perl subroutines as lines "FILE:LINE SUB", innermost first, as many as fit whole into `text`; returns how
/// much of it was used. For signal handlers: every structure of Perl's is copied with process_vm_readv(2) before it is
/// looked at, so a half-changed one costs a frame and never the process. perldoc perlguts, perlinterp: "context stack".
[[nodiscard]] std::size_t copy_perl_stack(const ::interpreter* perl, std::span<char> text) noexcept;

} // namespace mpsup::perl
