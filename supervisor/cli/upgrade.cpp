#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <filesystem>

namespace mpsup::cli {

int run_upgrade(const Context& context, const std::string& program) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    std::error_code error;
    const auto path = program.empty() ? std::filesystem::read_symlink("/proc/self/exe", error)
                                      : std::filesystem::absolute(program, error).lexically_normal();
    if (error || !std::filesystem::exists(path)) return complain("there is no program " + path.string(), usage);
    const boost::json::object body{{"program", boost::json::array{path.string()}}};
    return ask(context, *site, "/v1/upgrade", boost::json::serialize(body));
}

} // namespace mpsup::cli
