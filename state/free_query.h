// Whatever somebody wants to know of the database.
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace mpsup::state {

/// NULL, a number, or text; of a blob its hexadecimal digits.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Answer {
    std::vector<std::string> columns;
    std::vector<std::vector<Cell>> rows;
    bool is_cut = false; // there were more rows
};

struct FreeQueryLimits {
    std::chrono::milliseconds time{5'000}; // then ETIMEDOUT
    std::size_t rows = 10'000;
};

/// One statement that only reads: of anything else SQLite says that it is not authorized. What it may do is listed, so
/// that nothing is forgotten: SELECT with SQLite's functions except load_extension, and the PRAGMAs that describe.
/// Nothing is ever written, whoever owns the file. Whatever the schema version. From then on SQLite takes at most
/// 256 MiB in this process.
[[nodiscard]] Result<Answer> run_free_query(const std::string& path, const std::string& sql,
                                            const FreeQueryLimits& limits = {});

} // namespace mpsup::state
