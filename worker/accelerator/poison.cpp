#include "worker/accelerator/poison.h"

#include <algorithm>

namespace mpsup::accelerator {

std::string Poison::key(std::string_view method, std::string_view host, std::string_view path) {
    std::string key;
    key.reserve(method.size() + host.size() + path.size() + 1);
    key.append(method).append(" ").append(host).append(path);
    return key;
}

std::chrono::milliseconds Poison::quarantined_for(const std::string& key, http::TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.deaths < policy_.deaths || now >= found->second.until) return {};
    return std::chrono::ceil<std::chrono::milliseconds>(found->second.until - now);
}

bool Poison::died(const std::string& key, http::TimePoint now) {
    if (!count_death(key, now)) return false;
    if (listener_) listener_(key);
    return true;
}

// True when that was one too many.
bool Poison::count_death(const std::string& key, http::TimePoint now) {
    const std::scoped_lock lock(mutex_);
    if (entries_.size() >= policy_.most && !entries_.contains(key)) make_room();
    Entry& entry = entries_[key];
    count_.store(entries_.size(), std::memory_order_relaxed);
    if (now - entry.last > policy_.time * pause) entry.deaths = 0;
    ++entry.deaths;
    entry.last = now;
    if (entry.deaths < policy_.deaths || now < entry.until) return false;
    entry.until = now + policy_.time;
    return true;
}

void Poison::served(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    entries_.erase(key);
    count_.store(entries_.size(), std::memory_order_relaxed);
}

void Poison::make_room() {
    const auto oldest = std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.last; });
    if (oldest != entries_.end()) entries_.erase(oldest);
}

} // namespace mpsup::accelerator
