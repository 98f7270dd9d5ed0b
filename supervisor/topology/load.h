// YAML text to a Topology, or everything that is wrong with it.
#pragma once

#include "base/error.h"
#include "supervisor/topology/certificates.h"
#include "supervisor/topology/interpolate.h"
#include "supervisor/topology/topology.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

constexpr std::size_t max_file_bytes = 512U << 10;
constexpr std::size_t max_line_bytes = 8192; // yaml-cpp looks ahead through a whole line
constexpr int max_nesting = 100;
constexpr int max_open_brackets = 2 * max_nesting; // counted blindly, in comments and quotes too
constexpr int max_alias_uses = 100;
constexpr std::size_t max_values = 30'000; // scalars, lists and maps, aliases counted as what they stand for
constexpr std::size_t max_problems = 200;  // shown; the last one tells how many more there are

/// One thing that is wrong. Lines and columns count from 1, columns in characters; 0: the file as a whole.
struct Problem {
    std::string file;
    int line = 0;
    int column = 0;
    std::string message;
    std::string source_line; // as it stands in the file, shortened when very long; empty with line 0
    std::string suggestion;  // "did you mean `listen`?", or empty
    bool is_warning = false; // the topology may be used all the same
    std::string_view code{}; // of an advice (advice.h), for programs; of anything else empty

    friend bool operator==(const Problem&, const Problem&) = default;
};

using Problems = std::vector<Problem>; // in the order of the file, never without an error in a refusal

struct Loaded {
    Topology topology;
    Problems warnings;
    std::vector<std::string> files; // that were read, as they are shown; by Mark::file
    NodePtr root;                   // what they say, as one tree
};

/// Reads each file once (assemble.h); what a later one says counts more. Then as load_text with the folders of the
/// files. `memory`: bytes of the machine, for what is advised (advice.h); 0: unknown.
[[nodiscard]] std::expected<Loaded, Problems> load_files(const std::vector<std::string>& paths,
                                                         const CertificateCheck& check = {},
                                                         const Variables& variables = variable_of_process,
                                                         std::uint64_t memory = 0);
[[nodiscard]] std::expected<Loaded, Problems> load_file(const std::string& path, const CertificateCheck& check = {});

/// `name` stands in the problems, relative paths are resolved against `folder` (absolute). A syntax error comes
/// alone; all semantic errors come together. Looks at the file system for `app`, `root` and the like only. `check`
/// opens the certificates, if there are any; without it nobody does. `variables` is what ${NAME} stands for.
[[nodiscard]] std::expected<Loaded, Problems> load_text(std::string_view text, const std::string& name,
                                                        const std::string& folder, const CertificateCheck& check = {},
                                                        const Variables& variables = variable_of_process);

/// `file:line:col: error: message` (or warning), the line itself, a caret under the column, the suggestion. Control
/// characters of the file are not passed through to the terminal.
[[nodiscard]] std::string format_problems(const Problems& problems);

} // namespace mpsup::topology
