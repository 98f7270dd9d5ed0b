#include "worker/dynamic/wear_report.h"

#include <random>

namespace mpsup::dynamic {

namespace {

double draw_chance() {
    std::random_device device;
    return std::uniform_real_distribution<>(0, 1)(device);
}

ChannelWord word_of(WearReason reason) {
    switch (reason) {
    case WearReason::requests: return ChannelWord::worn_requests;
    case WearReason::rss: return ChannelWord::worn_rss;
    case WearReason::unshared: return ChannelWord::worn_unshared;
    case WearReason::age: return ChannelWord::worn_age;
    case WearReason::idle: break;
    }
    return ChannelWord::worn_idle;
}

} // namespace

WearReport::WearReport(const contract::Recycle& limits, ChildChannel& channel, TimePoint born)
    : wear_(limits, draw_chance(), born), refork_(limits.refork), channel_(channel) {}

void WearReport::after_request(OwnMemory& memory, contract::ScoreboardWriter& scoreboard, TimePoint now) {
    const std::uint64_t served = scoreboard.requests();
    if (wear_.wants_memory()) memory.look(served, now, scoreboard);
    if (!said_refork_ && refork_ > 0 && served >= refork_) {
        said_refork_ = true;
        channel_.say(ChannelWord::refork);
    }
    if (!said_worn_) say_if_worn(wear_.check(served, memory.rss(), memory.unshared(), now));
}

void WearReport::say_if_worn(std::optional<WearReason> reason) {
    if (!reason) return;
    said_worn_ = true;
    channel_.say(word_of(*reason));
}

} // namespace mpsup::dynamic
