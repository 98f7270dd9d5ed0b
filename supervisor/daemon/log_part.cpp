#include "supervisor/daemon/log_part.h"

#include "supervisor/daemon/last_words.h"

#include <algorithm>
#include <utility>

namespace mpsup {

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
    if (words.empty() || alone_) return words;
    return "(other generations of the worker wrote here too)\n" + std::move(words);
}

} // namespace mpsup
