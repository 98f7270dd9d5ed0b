// Streams of lines that become one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mpsup {

/// What was there when the streams began comes out in the order of time, for which each of them is awaited; one that is
/// live gives what it has when it has it. Each stream is in order already. Pure.
class LineMerge {
public:
    struct Line {
        std::size_t stream = 0;
        std::string text;
    };

    explicit LineMerge(std::size_t streams) : streams_(streams), awaited_(streams), open_(streams) {}

    void push(std::size_t stream, std::int64_t at_ms, std::string text);
    /// All that was there when it began has been pushed.
    void set_live(std::size_t stream);
    /// It has ended.
    void set_over(std::size_t stream);

    /// Whoever pushes should wait while there is none.
    [[nodiscard]] bool has_room(std::size_t stream) const;
    /// The next line that can be told; nothing while a stream has to be awaited, or all are empty.
    [[nodiscard]] std::optional<Line> pop();
    /// All that was there at the beginning has come out.
    [[nodiscard]] bool is_live() const;
    [[nodiscard]] bool is_over() const { return open_ == 0 && heads_.empty(); }

private:
    struct Stream {
        std::deque<std::pair<std::int64_t, std::string>> waiting{};
        std::size_t bytes = 0;
        bool is_live = false;
        bool is_over = false;
    };
    [[nodiscard]] static bool is_awaited(const Stream& stream) {
        return !stream.is_live && !stream.is_over && stream.waiting.empty();
    }

    std::vector<Stream> streams_;
    std::set<std::pair<std::int64_t, std::size_t>> heads_; // of those that have lines
    std::size_t awaited_;
    std::size_t open_;
};

} // namespace mpsup
