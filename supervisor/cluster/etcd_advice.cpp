#include "supervisor/cluster/etcd_advice.h"

#include <array>

namespace mpsup::cluster {

namespace {

struct Advice {
    std::string_view words; // that are in the problem
    std::string_view what;
};

constexpr std::string_view hangs_up = "whoever listens there hangs up: etcd was stopped just now, or it speaks TLS "
                                      "(https:// in --cluster), or it is another service";
constexpr std::string_view hangs_up_on_tls =
    "whoever listens there hangs up: etcd was stopped just now, or it does not speak TLS "
    "(http:// in --cluster), or it is another service";

// Of the URL that stands before what went wrong there.
bool is_of_tls(std::string_view before) {
    const std::size_t scheme_end = before.rfind("://");
    return scheme_end != std::string_view::npos && before.substr(0, scheme_end).ends_with("https");
}

// The first that fits: what a member said itself goes before what became of a connection.
constexpr std::array advices{
    Advice{"database space exceeded",
           "etcd is full: `etcdctl compact REVISION` (`etcdctl endpoint status -w json` has it), "
           "`etcdctl defrag`, `etcdctl alarm disarm`; run it with "
           "--auto-compaction-mode=periodic --auto-compaction-retention=1h"},
    Advice{"user name is empty", "etcd wants a user: --cluster-user NAME and --cluster-password-file FILE"},
    Advice{"invalid user ID or password", "etcd has another password for --cluster-user, or does not know that user"},
    Advice{"permission denied", "the user must be allowed to read and write these keys: etcdctl role grant-permission "
                                "ROLE readwrite --prefix "},
    Advice{"CommonName of client", "etcd takes no --cluster-user by a certificate that has a name (CN): make that of "
                                   "--cluster-cert without one, as by `openssl req -subj /O=mpsup`"},
    Advice{"authentication is not enabled", "etcd knows no users: leave --cluster-user out, or `etcdctl auth enable`"},
    Advice{"no leader", "etcd has no quorum: more than half of its members must run and reach each other"},
    Advice{"request timed out", "etcd has no quorum: more than half of its members must run and reach each other"},
    Advice{"wrong version number", "it does not speak TLS: http:// in --cluster?"},
    Advice{"certificate has expired", "etcd's own certificate has to be renewed, or the clock here is wrong"},
    Advice{"certificate verify failed", "--cluster-ca names a file with the certificate that signed etcd's"},
    Advice{"certificate required", "etcd wants a certificate: --cluster-cert and --cluster-key"},
    Advice{"bad certificate", "etcd does not take the certificate of --cluster-cert"},
    Advice{"HTTP status 400", "does etcd speak TLS there? Then it is https:// in --cluster"},
    Advice{"HTTP status", "this is no client URL of an etcd 3.4 or later: is it port 2379, and nothing in between?"},
    Advice{"Connection reset", hangs_up},
    Advice{"end of stream", hangs_up},
    Advice{"Connection refused", "nobody listens there: does etcd run, with this address in its --listen-client-urls?"},
    Advice{"timed out",
           "no answer came: does the machine run, does a firewall let this port through, has etcd its quorum?"},
};

} // namespace

std::string etcd_advice(std::string_view problem, std::string_view prefix) {
    for (const Advice& advice : advices) {
        const std::size_t at = problem.find(advice.words);
        if (at == std::string_view::npos) continue;
        if (advice.what == hangs_up && is_of_tls(problem.substr(0, at))) return std::string(hangs_up_on_tls);
        std::string what(advice.what);
        return what.ends_with("--prefix ") ? what.append(prefix) : what;
    }
    return {};
}

} // namespace mpsup::cluster
