#include "supervisor/cli/members.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"
#include "supervisor/topology/resolve.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

// The file that the running topology came from.
Result<std::string> file_of(const ChosenSite& site) {
    constexpr std::chrono::milliseconds patience{5000};
    const auto reply = control_get(site.paths.control_socket(), "/v1/status", patience);
    if (!reply) return std::unexpected(reply.error());
    std::string path = text_at(object_at(parse_object(reply->body), "topology"), "path");
    if (path.empty()) return failure("nothing is up that could be read again");
    return path;
}

} // namespace

int run_reload(const Context& context, bool fast) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto file = file_of(*site);
    if (!file) return complain(file.error().to_string() + "; " + nobody_answers(*site), no_supervisor);
    const auto loaded = read_topology(from_path_list(*file), context.quiet);
    if (!loaded) return bad_topology;
    const json::object body{{"document", topology::to_document(*loaded)}, {"path", *file}, {"fast", fast}};
    return ask(context, *site, "/v1/reload", json::serialize(body));
}

} // namespace mpsup::cli
