#include "worker/cache/cache_status.h"

#include <charconv>

namespace mpsup::cache {

namespace {

using Forward = CacheStatus::Forward;

std::string_view token(Forward forward) noexcept {
    switch (forward) {
    case Forward::none: return "hit";
    case Forward::bypass: return "bypass";
    case Forward::method: return "method";
    case Forward::uri_miss: return "uri-miss";
    case Forward::vary_miss: return "vary-miss";
    case Forward::miss: return "miss";
    case Forward::request: return "request";
    case Forward::stale: return "stale";
    case Forward::partial: return "partial";
    }
    return "miss";
}

// Appends to a text that has room for the longest there is.
class Appender {
public:
    explicit Appender(CacheStatus::Text& space) noexcept
        : start_(space.data()), at_(start_), end_(at_ + space.size()) {}
    Appender& operator<<(std::string_view text) noexcept {
        at_ += text.copy(at_, static_cast<std::size_t>(end_ - at_));
        return *this;
    }
    Appender& operator<<(Seconds number) noexcept {
        at_ = std::to_chars(at_, end_, number).ptr;
        return *this;
    }
    [[nodiscard]] std::string_view text() const noexcept { return {start_, static_cast<std::size_t>(at_ - start_)}; }

private:
    char *start_, *at_, *end_;
};

} // namespace

std::string_view CacheStatus::text(Text& space) const noexcept {
    Appender out(space);
    if (forward == Forward::none) {
        out << "mpsup; hit";
    } else {
        out << "mpsup; fwd=" << token(forward);
        if (forward_status != 0) out << "; fwd-status=" << Seconds{forward_status};
    }
    if (ttl) out << "; ttl=" << *ttl;
    if (stored) out << "; stored";
    if (collapsed) out << "; collapsed";
    if (!detail.empty()) out << "; detail=" << detail.substr(0, 32);
    return out.text();
}

std::string_view CacheStatus::word() const noexcept {
    if (forward == Forward::none) return ttl.value_or(1) > 0 ? "hit" : "stale";
    if (forward == Forward::stale && forward_status == 304) return "revalidated";
    return token(forward);
}

} // namespace mpsup::cache
