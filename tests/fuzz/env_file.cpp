// Any bytes as a file of variables: texts and findings with places in it, no name twice.
#include "supervisor/topology/env_file.h"

#include <cstdlib>
#include <set>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace mpsup::topology;
    const auto known = [](const std::string& name) {
        return name.size() < 3 ? std::optional<std::string>(name) : std::nullopt;
    };
    const EnvFile file = read_env_file({reinterpret_cast<const char*>(data), size}, known, 7);
    std::set<std::string> names;
    for (const auto& [name, mark, value] : file.variables->entries)
        if (name.empty() || !names.insert(name).second || mark.line < 1 || mark.file != 7 || value->mark < mark ||
            value->type != Node::Type::scalar)
            std::abort();
    for (const Finding& finding : file.findings)
        if (finding.mark.line < 1 || finding.mark.column < 1 || finding.mark.file != 7 || finding.message.empty())
            std::abort();
    return 0;
}
