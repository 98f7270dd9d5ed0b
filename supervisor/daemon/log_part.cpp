#include "supervisor/daemon/log_part.h"

#include "supervisor/daemon/last_words.h"

#include <algorithm>
#include <utility>

namespace mpsup {

namespace {

constexpr std::chrono::minutes old(1); // then it hardly tells why a process has just ended

} // namespace

void LogPart::begin(const std::string& log_path, bool alone) {
    from_ = log_size(log_path);
    alone_ = alone;
}

void LogPart::look(const std::string& log_path, bool alone) {
    if (alone && !alone_) from_ = log_size(log_path);
    alone_ = alone;
}

void LogPart::reopened(const std::string& log_path) { from_ = std::min(from_, log_size(log_path)); }

std::string LogPart::last_words(const std::string& log_path) const {
    std::string words = mpsup::last_words(log_path, from_);
    if (words.empty()) return words;
    if (const auto age = log_age(log_path); age >= old)
        words =
            "(the last of it was written " + std::to_string(age / std::chrono::minutes(1)) + " min before)\n" + words;
    if (alone_) return words;
    return "(other generations of the worker wrote here too)\n" + std::move(words);
}

} // namespace mpsup
