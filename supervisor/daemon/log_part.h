// Which part of a worker's log is of one generation: all generations of a worker write to one file, and lines have no name.
#pragma once

#include <cstdint>
#include <string>

namespace mpsup {

/// Told when a generation begins and whenever others may have come or gone, it knows from where on the log can be of no
/// other. One event loop; looks at the file's size only when that changes.
class LogPart {
public:
    /// The generation begins to write, beside others or `alone`.
    void begin(const std::string& log_path, bool alone);
    /// Who writes besides has changed, or not. What was written before it was alone is not certain to be its own.
    void look(const std::string& log_path, bool alone);
    /// The file was opened anew: it may be another, that has begun since.
    void reopened(const std::string& log_path);

    /// What it wrote last (last_words.h), as far as that can be told: what others may have written is below a line that
    /// says so.
    [[nodiscard]] std::string last_words(const std::string& log_path) const;

private:
    std::uint64_t from_ = 0; // bytes of the log before it
    bool alone_ = true;
};

} // namespace mpsup
