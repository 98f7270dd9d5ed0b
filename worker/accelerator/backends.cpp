#include "worker/accelerator/backends.h"

#include <algorithm>
#include <charconv>

namespace mpsup::accelerator {

namespace {

using std::chrono::milliseconds;

std::string_view name_of(BackendState state) noexcept {
    switch (state) {
    case BackendState::up: return "up";
    case BackendState::down: return "down";
    case BackendState::ejected: return "ejected";
    }
    return "";
}

std::string_view take_word(std::string_view& line) noexcept {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

std::optional<std::int64_t> number(std::string_view word) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value < 0) return std::nullopt;
    return value;
}

} // namespace

Backends::Backends(std::vector<std::string> addresses, const BackendPolicy& policy)
    : addresses_(std::move(addresses)), policy_(policy), backends_(addresses_.size()) {}

std::optional<std::size_t> Backends::choose(TimePoint now, std::optional<std::size_t> avoid, bool own_has_room) {
    const std::scoped_lock lock(mutex_);
    Backend& first = backends_.front();
    const bool own_may = policy_.own_first && avoid != 0 && first.state == BackendState::up && may_take(first, now);
    std::optional<std::size_t> chosen;
    if (!own_may || !own_has_room) chosen = choose_other(now, avoid);
    if (own_may && (!chosen || first.connections < backends_[*chosen].connections)) chosen = 0;
    if (!chosen) chosen = choose_other(now, std::nullopt);
    if (!chosen && policy_.own_first) chosen = 0; // what it says is the truth
    if (chosen) ++backends_[*chosen].connections;
    return chosen;
}

std::optional<std::size_t> Backends::choose_other(TimePoint now, std::optional<std::size_t> avoid) {
    const auto chosen = fewest_connections(avoid, false);
    if (!chosen) return chosen;
    turn_ = (*chosen + 1) % backends_.size(); // also when it leaves its turn to another
    if (may_take(backends_[*chosen], now)) return chosen;
    const auto other = fewest_connections(avoid, true);
    return other ? other : chosen;
}

// Among those elsewhere that are up, from the one on whose turn it is.
std::optional<std::size_t> Backends::fewest_connections(std::optional<std::size_t> avoid, bool settled) const noexcept {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        const std::size_t index = (turn_ + i) % backends_.size();
        const Backend& backend = backends_[index];
        if (backend.state != BackendState::up || backend.out || index == avoid || is_own(index)) continue;
        if (settled && backend.up_since != TimePoint::min()) continue;
        if (!best || backend.connections < backends_[*best].connections) best = index;
    }
    return best;
}

// One that has just come back takes every tenth of its turns at first, then more and more of them.
bool Backends::may_take(Backend& backend, TimePoint now) const noexcept {
    if (backend.up_since == TimePoint::min()) return true;
    const auto age = std::chrono::duration_cast<milliseconds>(now - backend.up_since);
    if (age >= policy_.slow_start) {
        backend.up_since = TimePoint::min();
        return true;
    }
    const double share = static_cast<double>(age.count()) / static_cast<double>(policy_.slow_start.count());
    backend.credit += std::max(0.1, share);
    if (backend.credit < 1) return false;
    backend.credit -= 1;
    return true;
}

std::optional<milliseconds> Backends::done(std::size_t index, Outcome outcome, TimePoint now) {
    const std::scoped_lock lock(mutex_);
    Backend& backend = backends_[index];
    backend.connections = std::max(0, backend.connections - 1);
    if (outcome == Outcome::good) backend.failures = 0;
    if (outcome == Outcome::good && backend.ejections > 0 && now - backend.until >= policy_.longest)
        backend.ejections = 0;
    if (outcome != Outcome::bad || !fail(backend, now)) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(backend.until - now);
}

// True: it is ejected now, and was not before.
bool Backends::fail(Backend& backend, TimePoint now) {
    ++backend.failures;
    if (backend.state != BackendState::up || backend.failures < policy_.failures || !may_eject_one_more()) return false;
    eject(backend, now);
    return true;
}

void Backends::eject(Backend& backend, TimePoint now) {
    const int doublings = std::min(backend.ejections, 16);
    const auto time = std::min(policy_.ejection * (std::int64_t{1} << doublings), policy_.longest);
    ++backend.ejections;
    backend.state = BackendState::ejected;
    backend.until = backend.next_check = now + time;
    backend.check_passes = 0;
}

// However long it was off: who is on again is soon found to be. Longer each time is for those that answer probes and fail requests.
void Backends::probe_again(Backend& backend, TimePoint now) const {
    backend.until = backend.next_check = now + std::min(policy_.every, policy_.longest);
}

void Backends::come_back(Backend& backend, TimePoint now) const {
    backend.state = BackendState::up;
    backend.failures = backend.check_fails = 0;
    backend.credit = 0;
    backend.up_since = policy_.slow_start.count() > 0 ? now : TimePoint::min();
}

bool Backends::may_eject_one_more() const noexcept {
    const auto in = std::ranges::count(backends_, false, &Backend::out);
    const auto ejected = std::ranges::count_if(
        backends_, [](const Backend& one) { return one.state == BackendState::ejected && !one.out; });
    return ejected + 1 <= in / 2;
}

void Backends::set_out(std::span<const std::string> addresses) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < backends_.size(); ++i)
        backends_[i].out = std::ranges::find(addresses, addresses_[i]) != addresses.end();
}

bool Backends::has_other() const {
    const std::scoped_lock lock(mutex_);
    return fewest_connections(std::nullopt, false).has_value();
}

std::optional<std::size_t> Backends::due(TimePoint now) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        Backend& backend = backends_[i];
        const bool wanted = (policy_.checked && !is_own(i)) || backend.state != BackendState::up;
        if (!wanted || backend.next_check > now) continue;
        backend.next_check = now + policy_.every;
        return i;
    }
    return std::nullopt;
}

void Backends::checked(std::size_t index, bool passed, TimePoint now) {
    const std::scoped_lock lock(mutex_);
    Backend& backend = backends_[index];
    backend.checked_at = now;
    backend.check_passes = passed ? backend.check_passes + 1 : 0;
    backend.check_fails = passed ? 0 : backend.check_fails + 1;
    switch (backend.state) {
    case BackendState::up:
        if (policy_.checked && backend.check_fails >= policy_.check_failures) backend.state = BackendState::down;
        break;
    case BackendState::down:
        if (backend.check_passes >= policy_.check_passes) come_back(backend, now);
        break;
    case BackendState::ejected:
        if (now < backend.until) break; // a check on schedule cuts no ejection short
        if (passed)
            come_back(backend, now);
        else
            probe_again(backend, now);
        break;
    }
}

std::vector<Backends::View> Backends::view() const {
    const std::scoped_lock lock(mutex_);
    std::vector<View> views;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        const Backend& backend = backends_[i];
        const bool is_slow = backend.up_since != TimePoint::min();
        views.push_back({addresses_[i], backend.state, backend.connections, backend.ejections, backend.failures,
                         backend.until, is_slow ? backend.up_since + policy_.slow_start : TimePoint::min(),
                         backend.checked_at, backend.check_fails == 0, backend.out});
    }
    return views;
}

std::string Backends::save(TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    std::string text;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        const Backend& backend = backends_[i];
        if (backend.state == BackendState::up && backend.ejections == 0) continue;
        const auto left = std::chrono::duration_cast<milliseconds>(backend.until - now);
        text.append(addresses_[i]).append(" ").append(name_of(backend.state)).append(" ");
        text.append(std::to_string(backend.ejections)).append(" ");
        text.append(std::to_string(std::max<std::int64_t>(left.count(), 0))).append("\n");
    }
    return text;
}

void Backends::restore(std::string_view text, TimePoint now) {
    const std::scoped_lock lock(mutex_);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto known = std::ranges::find(addresses_, take_word(line));
        const std::string_view state = take_word(line);
        const auto ejections = number(take_word(line));
        const auto left = number(take_word(line));
        if (known == addresses_.end() || !ejections || *ejections > 1000 || !left) continue;
        Backend& backend = backends_[static_cast<std::size_t>(known - addresses_.begin())];
        backend.ejections = static_cast<int>(*ejections);
        backend.until = now + std::min(milliseconds(*left), policy_.longest);
        if (state == "ejected" && may_eject_one_more()) {
            backend.state = BackendState::ejected;
            backend.next_check = backend.until;
        }
        if (state == "down" && policy_.checked) backend.state = BackendState::down;
    }
}

} // namespace mpsup::accelerator
