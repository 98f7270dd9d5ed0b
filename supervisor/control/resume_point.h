// Where a stream of lines goes on that was interrupted.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace mpsup {

/// Lines carry the time at which they were written, some to the second only, and may come a little out of order: what
/// follows an interruption is asked for from a while before the last line, and what was told already is left out. Of
/// that while at most 20,000 lines are remembered. Pure.
class ResumePoint {
public:
    /// A line came. False: it was told before the interruption.
    [[nodiscard]] bool take(std::int64_t at_ms, const std::string& text);
    void interrupt();
    /// From when on to ask; nothing: no line has come yet, so all of it is asked for again.
    [[nodiscard]] std::optional<std::int64_t> since_ms() const;

private:
    using Lines = std::multiset<std::pair<std::int64_t, std::string>>;
    std::int64_t last_ms_ = 0;
    Lines told_;
    Lines before_; // told before the last interruption, and not met again yet
};

} // namespace mpsup
