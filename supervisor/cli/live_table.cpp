#include "supervisor/cli/live_table.h"

#include "supervisor/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mpsup::cli {

namespace {

constexpr std::size_t lines_for_others = 6; // what else is printed, and the prompt
// In the order of a life.
constexpr std::array child_stages = {"started", "ready", "healthy", "serving", "draining", "gone"};

Colour colour_of_stage(std::string_view stage) {
    if (stage == "serving") return Colour::green;
    if (stage == "gone" || stage == "sleeping") return Colour::dim;
    if (stage == "draining" || stage == "killing") return Colour::yellow;
    return Colour::none;
}

std::size_t terminal_height() {
    constexpr std::size_t usual = 24;
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : usual;
}

} // namespace

std::string LiveTable::to_string() const {
    if (stages_.empty()) return {};
    return stages_.size() + lines_for_others <= height_ ? by_process() : by_generation();
}

std::string LiveTable::by_process() const {
    Table table({"WORKER", "GEN", "PID", "STAGE"});
    for (const auto& [key, stage] : stages_) {
        const auto& [worker, generation, pid] = key;
        table.add(
            {worker, std::to_string(generation), pid > 0 ? std::to_string(pid) : "-", {stage, colour_of_stage(stage)}});
    }
    return table.to_string();
}

std::string LiveTable::by_generation() const {
    Table table({"WORKER", "GEN", "STAGE", "CHILDREN"});
    for (auto at = stages_.begin(); at != stages_.end();) {
        const auto worker = std::get<0>(at->first);
        const auto generation = std::get<1>(at->first);
        std::string stage;
        std::map<std::string_view, int> counts;
        for (; at != stages_.end() && std::get<0>(at->first) == worker && std::get<1>(at->first) == generation; ++at)
            if (std::get<2>(at->first) == 0)
                stage = at->second;
            else
                ++counts[at->second];
        std::string children;
        for (const char* each : child_stages)
            if (counts[each] > 0)
                children += (children.empty() ? "" : ", ") + std::to_string(counts[each]) + " " + each;
        table.add({worker, std::to_string(generation), {stage, colour_of_stage(stage)}, children});
    }
    return table.to_string();
}

LiveDisplay::LiveDisplay() : table_(terminal_height()) {}

bool LiveDisplay::is_possible() {
    const char* terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && terminal && std::string_view(terminal) != "dumb";
}

void LiveDisplay::take(const ProcessNews& news) {
    table_.take(news);
    redraw({});
}

void LiveDisplay::print(const std::string& line) { redraw(line + "\n"); }

void LiveDisplay::redraw(const std::string& above) {
    const std::string table = table_.to_string();
    std::string out;
    if (lines_ > 0) out = "\x1b[" + std::to_string(lines_) + "A\x1b[J"; // ECMA-48: cursor up, erase below
    out += above + table;
    lines_ = static_cast<std::size_t>(std::ranges::count(table, '\n'));
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
}

} // namespace mpsup::cli
