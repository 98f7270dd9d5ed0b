// Where a test has the supervisor killed.
#pragma once

namespace mpsup {

/// Counts the steps of this process; with MPSUP_CRASH_AT=n in its environment it kills itself (SIGKILL) at the n-th; with
/// MPSUP_CRASH_WHEN=FILE steps count from when that file is there. Between any two steps something is done that the next supervisor must
/// find or finish. Costs a comparison otherwise.
void failpoint() noexcept;

} // namespace mpsup
