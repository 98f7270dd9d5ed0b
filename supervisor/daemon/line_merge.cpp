#include "supervisor/daemon/line_merge.h"

#include <algorithm>

namespace mpsup {

namespace {

constexpr std::size_t most_lines = 64;
constexpr std::size_t most_bytes = 64 * 1024;

} // namespace

void LineMerge::push(std::size_t stream, std::int64_t at_ms, std::string text) {
    Stream& to = streams_.at(stream);
    if (to.is_over) return;
    if (is_awaited(to)) --awaited_;
    if (to.waiting.empty()) heads_.emplace(at_ms, stream);
    to.bytes += text.size();
    to.waiting.emplace_back(at_ms, std::move(text));
}

void LineMerge::set_live(std::size_t stream) {
    Stream& which = streams_.at(stream);
    if (is_awaited(which)) --awaited_;
    which.is_live = true;
}

void LineMerge::set_over(std::size_t stream) {
    Stream& which = streams_.at(stream);
    if (which.is_over) return;
    if (is_awaited(which)) --awaited_;
    which.is_over = true;
    --open_;
}

bool LineMerge::has_room(std::size_t stream) const {
    const Stream& which = streams_.at(stream);
    return which.waiting.size() < most_lines && which.bytes < most_bytes;
}

std::optional<LineMerge::Line> LineMerge::pop() {
    if (awaited_ > 0 || heads_.empty()) return std::nullopt;
    const std::size_t stream = heads_.begin()->second;
    heads_.erase(heads_.begin());
    Stream& from = streams_[stream];
    Line line{stream, std::move(from.waiting.front().second)};
    from.waiting.pop_front();
    from.bytes -= line.text.size();
    if (!from.waiting.empty()) heads_.emplace(from.waiting.front().first, stream);
    if (is_awaited(from)) ++awaited_;
    return line;
}

bool LineMerge::is_live() const {
    return heads_.empty() &&
           std::ranges::all_of(streams_, [](const Stream& stream) { return stream.is_live || stream.is_over; });
}

} // namespace mpsup
