// `mpsup-light --check-links`: a job from standard input, facts to standard output.
#pragma once

namespace mpsup::link_check {

/// Until the job is done, or nobody reads what it writes; the exit code of the process. What is wrong goes to the log.
[[nodiscard]] int run_link_check();

} // namespace mpsup::link_check
