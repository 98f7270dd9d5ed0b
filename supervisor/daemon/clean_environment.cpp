#include "supervisor/daemon/clean_environment.h"

#include <array>
#include <cstdlib>

namespace mpsup {

namespace {

constexpr std::array inherited_variables{"PATH",     "HOME", "USER",     "LOGNAME",  "LANG",  "LC_ALL",
                                         "LC_CTYPE", "TZ",   "PERL5LIB", "PERL5OPT", "TMPDIR"};

} // namespace

std::map<std::string, std::string> clean_environment() {
    std::map<std::string, std::string> variables;
    for (const char* name : inherited_variables)
        if (const char* value = std::getenv(name)) variables[name] = value;
    return variables;
}

std::vector<std::string> to_lines(const std::map<std::string, std::string>& variables) {
    std::vector<std::string> lines;
    for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
    return lines;
}

} // namespace mpsup
