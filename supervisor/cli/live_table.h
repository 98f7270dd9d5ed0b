// A table on the terminal that changes while an operation runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace mpsup::cli {

/// What a progress line says of a process, or of a generation as a whole (pid 0).
struct ProcessNews {
    std::string worker;
    std::uint64_t generation = 0;
    int pid = 0;
    std::string stage;
};

/// Process by process how far it is; where the terminal is too low for that, generation by generation. Pure.
class LiveTable {
public:
    /// `height`: rows of the terminal.
    explicit LiveTable(std::size_t height) : height_(height) {}

    void take(const ProcessNews& news) { stages_[{news.worker, news.generation, news.pid}] = news.stage; }
    /// Whole lines; empty before any news.
    [[nodiscard]] std::string to_string() const;

private:
    [[nodiscard]] std::string by_process() const;
    [[nodiscard]] std::string by_generation() const;

    std::size_t height_;
    std::map<std::tuple<std::string, std::uint64_t, int>, std::string> stages_;
};

/// Prints it below whatever else is printed, over its earlier self. Standard output is a terminal.
class LiveDisplay {
public:
    LiveDisplay();
    void take(const ProcessNews& news);
    /// Above the table.
    void print(const std::string& line);

    /// Does whoever reads see a terminal that can do this?
    [[nodiscard]] static bool is_possible();

private:
    void redraw(const std::string& above);

    LiveTable table_;
    std::size_t lines_ = 0; // that the table takes now
};

} // namespace mpsup::cli
