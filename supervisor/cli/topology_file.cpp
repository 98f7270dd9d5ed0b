#include "supervisor/cli/topology_file.h"

#include "supervisor/cli/machine_memory.h"
#include "supervisor/cli/program_answer.h"
#include "supervisor/daemon/worker_handle.h"

#include <cstdio>
#include <filesystem>
#include <ranges>

namespace mpsup::cli {

namespace {

using contract::PairVerdict;

Result<std::vector<PairVerdict>> ask_program(const std::string& program, std::span<const contract::Certificate> pairs) {
    std::vector<std::string> arguments{std::string(contract::check_certificates_option)};
    for (const auto& [cert, key] : pairs) {
        arguments.push_back(cert);
        arguments.push_back(key);
    }
    const auto answer = answer_of(program, std::move(arguments));
    if (!answer) return std::unexpected(answer.error());
    auto verdicts = contract::decode_verdicts(*answer);
    if (verdicts && verdicts->size() != pairs.size()) return failure(program + " said nothing of some");
    return verdicts;
}

std::vector<PairVerdict> check(topology::Binaries build, std::span<const contract::Certificate> pairs) {
    const std::string program = folder_of_this_program() + "/" + program_of(build, topology::Kind::static_files);
    auto verdicts = ask_program(program, pairs);
    if (verdicts) return std::move(*verdicts);
    std::vector<PairVerdict> unknown(pairs.size());
    unknown.front() = {"certificates were not looked at: " + verdicts.error().to_string(), {}, false, true};
    return unknown;
}

} // namespace

std::optional<std::string> to_path_list(const Files& files) {
    std::string list;
    for (const std::string& file : files) {
        if (files.size() > 1 && file.contains(':')) return std::nullopt;
        list += (list.empty() ? "" : ":") + std::filesystem::absolute(file).lexically_normal().string();
    }
    return list;
}

Files from_path_list(const std::string& list) {
    std::error_code error;
    if (std::filesystem::exists(list, error)) return {list};
    Files files;
    for (const auto part : std::views::split(list, ':')) files.emplace_back(std::string_view(part));
    return files;
}

std::expected<topology::Loaded, topology::Problems> load_topology(const Files& files) {
    return topology::load_files(files, check, topology::variable_of_process, machine_memory());
}

std::optional<topology::Topology> read_topology(const Files& files, bool quiet) {
    auto loaded = load_topology(files);
    if (!loaded || !quiet)
        std::fputs(topology::format_problems(loaded ? loaded->warnings : loaded.error()).c_str(), stderr);
    return loaded ? std::optional(std::move(loaded->topology)) : std::nullopt;
}

} // namespace mpsup::cli
