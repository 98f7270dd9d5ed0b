#include "supervisor/cli/topology_file.h"

#include "supervisor/cli/program_answer.h"
#include "supervisor/daemon/worker_handle.h"

#include <cstdio>

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

std::expected<topology::Loaded, topology::Problems> load_topology(const std::string& path) {
    return topology::load_file(path, check);
}

std::optional<topology::Topology> read_topology(const std::string& path) {
    auto loaded = load_topology(path);
    std::fputs(topology::format_problems(loaded ? loaded->warnings : loaded.error()).c_str(), stderr);
    return loaded ? std::optional(std::move(loaded->topology)) : std::nullopt;
}

} // namespace mpsup::cli
