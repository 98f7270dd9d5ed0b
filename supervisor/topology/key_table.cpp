#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <array>

namespace mpsup {

namespace {

using enum KeyType;
constexpr auto any = KeyKinds::any;
constexpr auto files = KeyKinds::static_only;
constexpr auto perl = KeyKinds::dynamic_only;

constexpr std::array keys{
    Key{"site", name, any, true, "the site's name: names its folders and its processes"},
    Key{"binaries", choice, any, true, "how the workers are built: two"},
    Key{"machines", map, any, true, "the machines of the site, by name; one in this version"},
    Key{"machines.*", map, any, true, "a machine"},
    Key{"machines.*.address", text, any, true, "the IP address at which others reach it"},
    Key{"workers", map, any, true, "the workers, by name; started in this order, stopped in its reverse"},
    Key{"workers.*", map, any, true, "a worker"},
    Key{"workers.*.kind", choice, any, true, "static (files) or dynamic (Perl)"},
    Key{"workers.*.listen", address_list, any, true, "IP:PORT, or a list of them"},
    Key{"workers.*.root", path, files, true, "folder of the files; the whole path of a request is appended"},
    Key{"workers.*.serves", path_list, files, true, "the only paths it answers, by prefix; anything else is 404"},
    Key{"workers.*.app", path, perl, true, "the PSGI application: a .psgi file"},
    Key{"workers.*.env", map, any, true, "environment variables of the worker"},
    Key{"workers.*.pool", integer, perl, true, "how many children: 1 to 1000"},
    Key{"workers.*.health", map, any, true, "how the supervisor asks whether it answers"},
    Key{"workers.*.health.path", text, any, true, "path to GET"},
    Key{"workers.*.health.every", duration, any, true, "time between two probes"},
    Key{"workers.*.health.timeout", duration, any, true, "time an answer may take"},
    Key{"workers.*.restart", map, any, true, "what happens when it dies"},
    Key{"workers.*.restart.burst", integer, any, true, "so many deaths within the window, and it is given up"},
    Key{"workers.*.restart.window", duration, any, true, "the window in which deaths are counted"},
    Key{"workers.*.restart.backoff", duration, any, true, "wait before the second start in a row; doubles"},
    Key{"workers.*.restart.max", duration, any, true, "the longest wait"},
    Key{"workers.*.stop", map, any, true, "how it is stopped"},
    Key{"workers.*.stop.grace", duration, any, true, "time to finish what runs; then SIGKILL"},
    // Known, not in this version.
    Key{"cluster", map, any, false, "several machines, through etcd"},
    Key{"env_file", path, any, false, "environment variables from a file"},
    Key{"history", map, any, false, "how much of the past is kept"},
    Key{"hooks", map, any, false, "programs to run when something happens"},
    Key{"include", path_list, any, false, "files that this one builds on"},
    Key{"limits", map, any, false, "resource limits"},
    Key{"links", choice, any, false, "off, redirect or rewrite"},
    Key{"logs", map, any, false, "rotation and formats"},
    Key{"tls", map, any, false, "certificates"},
    Key{"trusted_proxies", address_list, any, false, "whose forwarding headers count"},
    Key{"version", text, any, false, "version of the language"},
    Key{"workers.*.alias", path, files, false, "folder of the files, the matched prefix stripped first"},
    Key{"workers.*.buffer", map, any, false, "buffering of requests and responses"},
    Key{"workers.*.cache", map, any, false, "caching of responses"},
    Key{"workers.*.cgi", path, perl, false, "folder of CGI scripts"},
    Key{"workers.*.depends_on", map, any, false, "what must be healthy first"},
    Key{"workers.*.env_file", path, any, false, "environment variables from a file"},
    Key{"workers.*.expires", map, files, false, "lifetimes by pattern"},
    Key{"workers.*.group", text, any, false, "group to run as"},
    Key{"workers.*.handler", text, perl, false, "a mod_perl handler"},
    Key{"workers.*.hooks", map, any, false, "programs to run when something happens"},
    Key{"workers.*.keep", duration, any, false, "how long the last good generation sleeps"},
    Key{"workers.*.limits", map, any, false, "resource limits"},
    Key{"workers.*.links", choice, any, false, "off, redirect or rewrite"},
    Key{"workers.*.machine", name, any, false, "the machine it runs on"},
    Key{"workers.*.mode", choice, perl, false, "development or deployment"},
    Key{"workers.*.recycle", map, perl, false, "when a child is replaced"},
    Key{"workers.*.refork", map, perl, false, "promotion of a warmed child"},
    Key{"workers.*.request_timeout", duration, perl, false, "time a request may take"},
    Key{"workers.*.rolling", map, any, false, "how it is rolled"},
    Key{"workers.*.routes", map, any, false, "routes of an accelerator"},
    Key{"workers.*.slow", duration, perl, false, "what counts as slow"},
    Key{"workers.*.tls", map, any, false, "certificates"},
    Key{"workers.*.try", text, files, false, "where to look when there is no such file"},
    Key{"workers.*.user", text, any, false, "user to run as"},
    Key{"workers.*.warmup", path_list, perl, false, "requests made before children are forked"},
};

} // namespace

std::span<const Key> all_keys() { return keys; }

const Key* find_key(std::string_view path) {
    const auto* found = std::ranges::find(keys, path, &Key::path);
    return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> names_below(std::string_view prefix) {
    const std::string start = prefix.empty() ? "" : std::string(prefix) + ".";
    std::vector<std::string> names;
    for (const Key& key : keys) {
        if (!key.available || !key.path.starts_with(start)) continue;
        const auto rest = key.path.substr(start.size());
        if (rest.find('.') == std::string_view::npos && rest != "*") names.emplace_back(rest);
    }
    return names;
}

} // namespace mpsup
