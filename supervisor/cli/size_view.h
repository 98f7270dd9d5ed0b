// What `mpsup size` shows: the memory of a site, process by process, and what the builds cost.
#pragma once

#include "base/process_identity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cli {

struct ProcessSize {
    std::string worker; // empty: the supervisor
    std::string role;   // supervisor, light, master, child
    pid_t pid = -1;
    std::int64_t generation = 0; // 0: has none
    ProcessMemory memory;
};

/// A worker's program in one build, and a process of it that has just started: a dynamic one with Perl in it, but
/// without an application.
struct ProgramSize {
    std::string build; // one, two, dso
    std::string kind;  // static, dynamic
    std::string program;
    std::uint64_t disk_bytes = 0; // with perl.so where that is loaded
    std::optional<ProcessMemory> memory;
    std::string trouble; // why there is no memory
};

struct SiteSize {
    std::string site;
    std::vector<ProcessSize> processes; // of a worker one after the other
    std::vector<ProgramSize> programs;
};

/// The processes that a status document (version 1) names, the supervisor first. Their memory is not asked for.
[[nodiscard]] std::vector<ProcessSize> processes_in(const std::string& document);

/// What a program prints with --memory; nothing when it is something else.
[[nodiscard]] std::optional<ProcessMemory> parse_memory(const std::string& text);

/// Two tables. Only what is one process's own (OWN) and its part of what is shared (PSS) adds up, so totals have these.
[[nodiscard]] std::string size_table(const SiteSize& size);
/// The document of `-o json`, version 1: fields are added, none renamed.
[[nodiscard]] std::string size_json(const SiteSize& size);

} // namespace mpsup::cli
