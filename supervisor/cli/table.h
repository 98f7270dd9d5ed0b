// Tables of text.
#pragma once

#include "supervisor/cli/terminal.h"

#include <cstddef>
#include <string>
#include <vector>

namespace mpsup::cli {

/// Columns as wide as their widest cell, two spaces apart; the last one is cut where the page ends, and others, the widest first,
/// where that would leave too little of it.
class Table {
public:
    explicit Table(std::vector<std::string> headings);

    struct Cell {
        std::string text;
        Colour colour = Colour::none;
        Cell(std::string t, Colour c = Colour::none) : text(std::move(t)), colour(c) {} // NOLINT: cells are mostly text
        Cell(const char* t) : text(t) {}                                                // NOLINT
    };
    void add(std::vector<Cell> row);
    /// A line beneath the row that was added last, as it is; the columns know nothing of it.
    void add_below(std::string line);

    /// Each line ends in a newline.
    [[nodiscard]] std::string to_string(std::size_t width = page_width()) const;

private:
    struct Row {
        std::vector<Cell> cells;
        std::string below; // whole lines
    };
    std::vector<std::string> headings_;
    std::vector<Row> rows_;
};

/// At most so many bytes, its end cut off before a "+"; no character is cut in two.
[[nodiscard]] std::string cut(const std::string& text, std::size_t room);

} // namespace mpsup::cli
