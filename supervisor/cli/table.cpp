#include "supervisor/cli/table.h"

#include <algorithm>
#include <numeric>

namespace mpsup::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least = 4;      // of a column that is cut
constexpr std::size_t least_last = 8; // of the last one, if it has as much

// Makes the widest columns but the last narrower until the page has room for all.
void fit(std::vector<std::size_t>& widths, std::size_t width) {
    const auto needed = [&] {
        const std::size_t before_last = std::accumulate(widths.begin(), widths.end() - 1, gap * (widths.size() - 1));
        return before_last + std::min(widths.back(), least_last);
    };
    if (widths.size() < 2) return;
    for (std::size_t over = needed(); over > width; over = needed()) {
        const auto widest = std::max_element(widths.begin(), widths.end() - 1);
        if (*widest <= least) return;
        --*widest;
    }
}

} // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::add(std::vector<Cell> row) { rows_.push_back({std::move(row), {}}); }

void Table::add_below(std::string line) { rows_.back().below += std::move(line) + "\n"; }

std::string Table::to_string(std::size_t width) const {
    std::vector<std::size_t> widths;
    for (const std::string& heading : headings_) widths.push_back(heading.size());
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.cells.size(); ++i) widths[i] = std::max(widths[i], row.cells[i].text.size());
    fit(widths, width);
    std::size_t before_last = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + gap;
    const std::size_t room = before_last < width ? width - before_last : 0;

    const auto line = [&](const std::vector<Cell>& cells) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const bool last = i + 1 == cells.size();
            std::string cell = cells[i].text;
            if (!last) cell = cut(cell, widths[i]);
            if (last && room > 1) cell = cut(cell, room);
            text += coloured(cell, cells[i].colour);
            if (!last) text += std::string(widths[i] - cell.size() + gap, ' ');
        }
        return text + "\n";
    };

    std::string out = line({headings_.begin(), headings_.end()});
    for (const auto& row : rows_) out += line(row.cells) + row.below;
    return out;
}

std::string cut(const std::string& text, std::size_t room) {
    if (text.size() <= room) return text;
    std::size_t end = room > 0 ? room - 1 : 0;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "+";
}

} // namespace mpsup::cli
