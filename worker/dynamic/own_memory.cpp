#include "worker/dynamic/own_memory.h"

#include "base/process_identity.h"

#include <algorithm>
#include <sys/resource.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

constexpr std::int64_t worthwhile_faults = 512; // 2 MiB
constexpr std::uint64_t look_requests = 64;
constexpr auto look_interval = std::chrono::seconds(5);

// A page that became its own was a page fault.
std::int64_t page_faults() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

} // namespace

void OwnMemory::look(std::uint64_t served, TimePoint now, contract::ScoreboardWriter& scoreboard) {
    if (served < looked_at_requests_ + look_requests && now < looked_at_ + look_interval) return;
    looked_at_ = now;
    looked_at_requests_ = served;
    const auto memory = process_memory(::getpid());
    if (!memory) return;
    rss_ = memory->private_bytes + memory->shared_bytes;
    unshared_ = memory->private_bytes;
    scoreboard.set_memory(rss_, unshared_);
}

// What every request writes to comes back each time, so that more must have gathered the more was given back before.
void OwnMemory::give_back(TimePoint last_request, TimePoint now) {
    give_back_at_.reset();
    if (page_faults() < enough_faults_) return;
    const TimePoint idle_at = std::max(last_request, gave_back_at_) + give_back_delay;
    if (now < idle_at) {
        give_back_at_ = idle_at;
        return;
    }
    const std::size_t given = image_->give_back().given;
    gave_back_at_ = std::chrono::steady_clock::now();
    enough_faults_ = page_faults() + worthwhile_faults + static_cast<std::int64_t>(given / 4096 / 4);
}

} // namespace mpsup::dynamic
