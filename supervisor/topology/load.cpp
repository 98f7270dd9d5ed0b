#include "supervisor/topology/load.h"

#include "supervisor/topology/advice.h"
#include "supervisor/topology/assemble.h"
#include "supervisor/topology/validate.h"
#include "supervisor/topology/value_parts.h"

namespace mpsup::topology {

namespace {

std::unexpected<Problems> refuse_file(const std::string& path, std::string why) {
    return std::unexpected(Problems{{path, 0, 0, std::move(why), "", ""}});
}

std::expected<Loaded, Problems> load_sources(std::vector<Source> sources, const CertificateCheck& check,
                                             const Variables& variables, std::uint64_t memory) {
    auto assembled = assemble(std::move(sources), variables);
    if (!assembled) return std::unexpected(std::move(assembled.error()));
    Origin origin{assembled->sources.front().folder, true, {}};
    for (const Source& source : assembled->sources) origin.folders.push_back(source.folder);
    auto valid = validate(*assembled->root, origin, check);
    Findings findings = std::move(assembled->findings);
    const bool is_good = valid && findings.empty();
    append(findings, valid ? valid->warnings : valid.error());
    if (is_good) append(findings, advise(valid->topology, *assembled->root, memory));
    Problems problems = to_problems(std::move(findings), assembled->sources);
    if (!is_good) return std::unexpected(std::move(problems));
    Loaded loaded{std::move(valid->topology), std::move(problems), {}, assembled->root};
    for (Source& source : assembled->sources) loaded.files.push_back(std::move(source.name));
    return loaded;
}

} // namespace

std::expected<Loaded, Problems> load_files(const std::vector<std::string>& paths, const CertificateCheck& check,
                                           const Variables& variables, std::uint64_t memory) {
    std::vector<Source> sources;
    for (const std::string& path : paths) {
        auto source = read_source(path);
        if (!source) return refuse_file(path, std::move(source.error()));
        sources.push_back(std::move(*source));
    }
    if (sources.empty()) return refuse_file("", "no file is named");
    return load_sources(std::move(sources), check, variables, memory);
}

std::expected<Loaded, Problems> load_file(const std::string& path, const CertificateCheck& check) {
    return load_files({path}, check);
}

std::expected<Loaded, Problems> load_text(std::string_view text, const std::string& name, const std::string& folder,
                                          const CertificateCheck& check, const Variables& variables) {
    if (text.size() > max_file_bytes) return refuse_file(name, "larger than 512KiB; is this a topology file?");
    return load_sources({{name, folder, std::string(text)}}, check, variables, 0);
}

} // namespace mpsup::topology
