// The variables that a topology gives to a worker.
#pragma once

#include <map>
#include <string>

namespace mpsup::topology {

/// Of one variable: its text, or the file that holds it.
struct VariableSpec {
    std::string text{};
    std::string secret_file{}; // absolute; read when a process is started (secret_file.h), and never kept

    [[nodiscard]] bool is_secret() const noexcept { return !secret_file.empty(); }
    friend bool operator==(const VariableSpec&, const VariableSpec&) = default;
};

using Environment = std::map<std::string, VariableSpec>;

} // namespace mpsup::topology
