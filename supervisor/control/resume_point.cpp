#include "supervisor/control/resume_point.h"

#include <algorithm>

namespace mpsup {

namespace {

constexpr std::int64_t overlap_ms = 1500;
constexpr std::size_t most_lines = 20'000;

} // namespace

bool ResumePoint::take(std::int64_t at_ms, const std::string& text) {
    if (const auto known = before_.find({at_ms, text}); known != before_.end()) {
        before_.erase(known);
        return false;
    }
    last_ms_ = std::max(last_ms_, at_ms);
    told_.emplace(at_ms, text);
    while (!told_.empty() && (told_.begin()->first < last_ms_ - overlap_ms || told_.size() > most_lines))
        told_.erase(told_.begin());
    return true;
}

void ResumePoint::interrupt() { before_ = told_; }

std::optional<std::int64_t> ResumePoint::since_ms() const {
    if (told_.empty()) return std::nullopt;
    return std::max<std::int64_t>(0, last_ms_ - overlap_ms);
}

} // namespace mpsup
