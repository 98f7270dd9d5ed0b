#include "base/descriptor_limit.h"

#include <sys/resource.h>

namespace mpsup {

namespace {

rlim_t soft_before = 0; // the first raise; 0: there was none

} // namespace

void raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    if (soft_before == 0) soft_before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void restore_descriptor_limit() noexcept {
    rlimit limit{};
    if (soft_before == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = soft_before;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace mpsup
