#include "worker/dynamic/recycling.h"

namespace mpsup::dynamic {

std::optional<Recycling::Worn> Recycling::next() {
    if (running_ || waiting_.empty()) return std::nullopt;
    const Worn worn = waiting_.front();
    waiting_.pop_front();
    return worn;
}

} // namespace mpsup::dynamic
