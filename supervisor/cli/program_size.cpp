#include "supervisor/cli/program_size.h"

#include "supervisor/cli/program_answer.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/topology.h"

#include <filesystem>
#include <map>

namespace mpsup::cli {

namespace {

std::uint64_t file_size(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0 : size;
}

void measure(ProgramSize& size, const std::string& folder, const std::string& option) {
    const std::string path = folder + "/" + size.program;
    const auto answer = answer_of(path, {option});
    if (answer) size.memory = parse_memory(*answer);
    if (!answer) size.trouble = answer.error().to_string();
    if (!size.memory && size.trouble.empty()) size.trouble = path + " " + option + " did not say how much it takes";
}

} // namespace

std::vector<ProgramSize> measure_programs(const std::string& folder) {
    using topology::Binaries;
    using topology::Kind;
    std::vector<ProgramSize> sizes;
    std::map<std::string, std::size_t> measured; // program and option: where it is in `sizes`
    for (const Binaries build : {Binaries::two, Binaries::one, Binaries::dso})
        for (const Kind kind : {Kind::static_files, Kind::dynamic}) {
            const bool is_dynamic = kind == Kind::dynamic;
            const std::string option = is_dynamic ? "--memory=perl" : "--memory";
            ProgramSize size{std::string(to_string(build)),
                             is_dynamic ? "dynamic" : "static",
                             program_of(build, kind),
                             0,
                             std::nullopt,
                             {}};
            size.disk_bytes = file_size(folder + "/" + size.program);
            if (is_dynamic && build == Binaries::dso) size.disk_bytes += file_size(folder + "/perl.so");
            const auto [known, is_new] = measured.emplace(size.program + " " + option, sizes.size());
            if (is_new)
                measure(size, folder, option);
            else
                size.memory = sizes[known->second].memory;
            sizes.push_back(std::move(size));
        }
    return sizes;
}

} // namespace mpsup::cli
