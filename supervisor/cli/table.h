// Tables of text.
#pragma once

#include "supervisor/cli/terminal.h"

#include <string>
#include <vector>

namespace mpsup::cli {

/// Columns as wide as their widest cell, two spaces apart; the last one is cut where 80 columns end.
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

    /// Each line ends in a newline.
    [[nodiscard]] std::string to_string() const;

private:
    std::vector<std::string> headings_;
    std::vector<std::vector<Cell>> rows_;
};

} // namespace mpsup::cli
