#include "base/joined.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/start_supervisor.h"
#include "supervisor/cli/status_view.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/cluster/etcd_endpoint.h"
#include "supervisor/control/build_id.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/handover.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/value.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

void warn_of_other_build(const ChosenSite& site) {
    constexpr std::chrono::milliseconds patience{2000};
    const auto reply = control_get(site.paths.control_socket(), "/v1/version", patience);
    if (!reply) return;
    const std::string build = text_at(parse_object(reply->body), "build");
    if (!build.empty() && build != build_id())
        std::fprintf(stderr,
                     "mpsup: the running supervisor is older than this program, or another build of it; it goes "
                     "on. To replace it: mpsup upgrade\n");
}

int run_in_foreground(const ChosenSite& site, const std::string& document, const std::string& file) {
    DaemonOptions options{site.paths, site.name, UpRequest{document, file}, {}, false};
    options.report = [](const ReportLine& line) {
        std::printf("%s\n", line.text.c_str());
        std::fflush(stdout);
    };
    return run_daemon(std::move(options));
}

constexpr std::uint16_t peer_port = 7117;

// Nothing: it is the only one.
Result<std::optional<ClusterOptions>> cluster_of(ClusterOptions options, const std::string& site) {
    if (options.endpoints.empty() && options.to_arguments().empty()) return std::nullopt;
    if (options.endpoints.empty() || options.machine.empty())
        return failure("supervise needs both --machine NAME and --cluster URL, or neither");
    const auto endpoints = cluster::read_endpoints(joined(options.endpoints, ","));
    if (!endpoints) return failure("--cluster: " + endpoints.error().to_string());
    if (!topology::is_name(options.machine))
        return failure(
            "--machine " + options.machine +
            " is no name of a machine: a small letter, then small letters, digits, _ and -, at most 32 characters");
    if (options.user.empty() != options.password_file.empty())
        return failure("--cluster-user and --cluster-password-file go together");
    if (options.certificate.empty() != options.key.empty())
        return failure("--cluster-cert and --cluster-key go together");
    const bool has_peer_ca = !options.peer_ca.empty();
    if (options.peer_certificate.empty() == has_peer_ca || options.peer_key.empty() == has_peer_ca)
        return failure("--peer-ca, --peer-cert and --peer-key go together");
    for (std::string* file : {&options.password_file, &options.ca, &options.certificate, &options.key, &options.peer_ca,
                              &options.peer_certificate, &options.peer_key})
        if (!file->empty()) *file = std::filesystem::absolute(*file).string(); // an upgrade may start elsewhere
    if (options.peer.empty())
        if (const auto own = own_address_towards(endpoints->front().host))
            options.peer = Address{*own, peer_port}.to_string();
    if (!options.peer.empty() && !Address::parse(options.peer))
        return failure("--peer " + options.peer + " is no IP:PORT: for example 10.0.0.1:7117");
    if (options.prefix.empty()) options.prefix = "/mpsup/" + site + "/";
    if (!options.prefix.ends_with('/')) options.prefix += '/';
    return options;
}

} // namespace

int run_up(const Context& context, const UpOptions& options) {
    const auto loaded = read_topology(options.files, context.quiet);
    if (!loaded) return bad_topology;
    const auto base = context.base_dirs();
    if (!base) return complain(base.error().to_string(), failed);
    if (context.site && *context.site != loaded->site)
        return complain(options.files.front() + " describes site " + loaded->site + ", not " + *context.site, usage);
    const ChosenSite site{loaded->site, SitePaths(*base, loaded->site)};
    const std::string document = topology::to_document(*loaded);
    const auto file = to_path_list(options.files);
    if (!file) return complain("one of several files has a colon in its name; rename it", usage);
    if (options.foreground) return run_in_foreground(site, document, *file);
    const bool was_running = check_control_socket(site.paths.control_socket()).has_value();
    if (!was_running && topology::is_for_several(*loaded))
        return complain(is_for_several_text(options.files.front(), loaded->site), no_supervisor);
    if (was_running) {
        warn_of_other_build(site);
    } else if (auto started = start_supervisor(context, site); !started) {
        return complain(started.error().to_string(), failed);
    }
    const json::object body{{"document", document}, {"path", *file}};
    const int code = ask(context, site, "/v1/up", json::serialize(body));
    if (code == failed && !was_running) wait_until_gone(site); // it ends when there is nothing to supervise
    if (code == ok && context.output == Output::table && !context.quiet && !context.detach) print_urls(site);
    return code;
}

int run_supervise(const Context& context, const SuperviseOptions& options) {
    const auto base = context.base_dirs();
    if (!base) return complain(base.error().to_string(), failed);
    if (!context.site) return complain("supervise needs --site", usage);
    const SitePaths paths(*base, *context.site);
    if (options.check_state) {
        const auto checked = check_state(paths);
        if (!checked) return complain(checked.error().to_string(), failed);
        std::printf("%s\n", std::string(can_take_over).c_str());
        return ok;
    }
    auto cluster = cluster_of(options.cluster, *context.site);
    if (!cluster) return complain(cluster.error().what, usage);
    return run_daemon({paths, *context.site, std::nullopt, {}, options.take_over, std::move(*cluster)});
}

} // namespace mpsup::cli
