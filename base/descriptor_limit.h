// How many descriptors this process may have open.
#pragma once

namespace mpsup {

/// Raises the soft limit (RLIMIT_NOFILE, getrlimit(2)) to the hard one, and remembers what it was: whoever keeps three
/// descriptors for each of a thousand children needs more than the usual 1024. Said again, it changes nothing.
void raise_descriptor_limit() noexcept;

/// As it was before: for programs and application code that may use select(2), which knows no descriptor above 1023.
/// Without a raise before it nothing. Async-signal-safe: it may stand between fork and exec.
void restore_descriptor_limit() noexcept;

} // namespace mpsup
