// What a light worker serves: which requests it takes, where they go, and what is done on the way. Plain values: made by
// the supervisor from a topology, sent to the worker in `go`. Times and sizes of 0 mean "not" unless said otherwise.
#pragma once

#include "base/error.h"
#include "worker/contract/cidr.h"
#include "worker/contract/files.h"
#include "worker/contract/path_pattern.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::contract {

using Milliseconds = std::chrono::milliseconds;

/// How we know a backend that speaks TLS, and it us. Absolute paths of PEM files.
struct UpstreamTls {
    std::string ca{};          // who must have signed its certificate
    std::string cert{}, key{}; // what we show it; empty: nothing
    std::string name{};        // that its certificate must be for; empty: its IP address

    friend bool operator==(const UpstreamTls&, const UpstreamTls&) = default;
};

struct Backend {
    std::string address{}; // "IP:PORT", "[IPv6]:PORT", or "unix:/path"
    std::uint32_t tls = 0; // number, from 1, in Front::upstream_tls; 0: it does not speak TLS

    friend bool operator==(const Backend&, const Backend&) = default;
};

/// What is kept of replies on this route. Off: nothing is stored or answered from the store.
struct CacheRule {
    bool on = false;
    Seconds default_ttl{0};            // of replies that say nothing of their freshness
    Seconds stale_while_revalidate{0}; // where the reply does not say
    Seconds stale_if_error{0};         // as that
    std::uint64_t max_object = 8ULL << 20;
    Milliseconds wait{5'000}; // for another request that fetches the same; then it goes to the application itself
    Texts ignore_query{};     // names of parameters that are no part of the key, maybe ending in `*`

    friend bool operator==(const CacheRule&, const CacheRule&) = default;
};

/// Where contents lie that wait for an application, or for a slow client: memory first, then unlinked files.
struct BufferRule {
    std::uint64_t request = 1ULL << 20; // bytes of memory a content; 0: straight to the disk
    std::uint64_t memory = 64ULL << 20; // of all in memory at a time
    std::uint64_t disk = 1ULL << 30;    // of all on the disk at a time

    friend bool operator==(const BufferRule&, const BufferRule&) = default;
};

/// Requests that wait for a child of a pool.
struct QueueRule {
    std::uint32_t length = 512;   // more are answered 503
    Milliseconds timeout{10'000}; // waited longer: 503
    Milliseconds target{1'000};   // waited longer: answers may be stale (brown-out)

    friend bool operator==(const QueueRule&, const QueueRule&) = default;
};

struct Timeouts {
    Milliseconds connect{2'000};
    Milliseconds response{60'000};  // from the whole request to the head of the answer: 504
    Milliseconds idle{60'000};      // in which not one byte of an answer came
    Milliseconds tunnel{3'600'000}; // in which nothing went through an upgraded connection

    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

/// How it is found out which of several backends can be used.
struct BackendRule {
    std::string check_path{}; // GET it; 2xx and 3xx are well; empty: nobody asks
    Milliseconds check_every{5'000};
    Milliseconds check_timeout{2'000};
    std::uint32_t eject_after = 5;   // failures in a row (no connection, no answer, 502, 503, 504); 0: never
    Milliseconds eject_for{10'000};  // doubles each time up to ten times that
    Milliseconds slow_start{10'000}; // in which one that came back gets more and more

    friend bool operator==(const BackendRule&, const BackendRule&) = default;
};

struct Route {
    enum class Target { files, upstream };

    std::string host{}; // "example.org", "*.example.org" (any name below), lower-case without port; empty: any
    PathPattern path{};
    Target target = Target::files;
    bool internal = false;           // of Target::files: for X-Accel-Redirect alone; clients get 404
    Files files{};                   // of Target::files
    std::vector<Backend> backends{}; // of Target::upstream; of Target::files: asked where there is no file (`try`).
                                     // At most the first is a unix socket: the pool of this machine, preferred
    std::string pool{};              // the dynamic worker whose socket the first backend is; empty: all by TCP
    std::string strip_prefix{};      // "/x": not sent to backends, which hear of it by X-Forwarded-Prefix
    bool retry = true;               // safe requests that nobody answered are sent once more
    CacheRule cache{};
    BufferRule buffer{}; // memory and disk: of this route's share
    QueueRule queue{};
    Timeouts timeouts{};
    BackendRule health{};
    TextPairs request_headers{}; // set before a request is sent on; an empty value takes it away
    TextPairs headers{};         // set in replies; as that
    std::string error_pages{};   // absolute folder of 404.html, 503.html …; empty: those of the front

    friend bool operator==(const Route&, const Route&) = default;
};

/// In the order of the public listeners in `go`.
struct FrontListener {
    std::string address{}; // as in the topology
    bool tls = false;
    bool proxy_protocol = false; // clients must begin with PROXY, v1 or v2

    friend bool operator==(const FrontListener&, const FrontListener&) = default;
};

struct Certificate {
    std::string cert{}, key{}; // absolute paths of PEM files; the first pair is for clients that name no host

    friend bool operator==(const Certificate&, const Certificate&) = default;
};

struct GuardLimits {
    std::uint32_t connections = 0;   // open ones in all
    std::uint32_t per_address = 0;   // of one address
    std::uint32_t rate = 0;          // requests a second of one address: 429
    std::uint32_t burst = 0;         // beyond the rate at once; 0: as many as `rate`
    std::uint64_t body = 1ULL << 30; // bytes of a request's content: 413

    friend bool operator==(const GuardLimits&, const GuardLimits&) = default;
};

struct Front {
    std::vector<Route> routes{}; // the first that matches (routing.h)
    std::vector<FrontListener> listeners{};
    std::uint32_t threads = 1;
    std::uint64_t cache_memory = 0; // bytes of the descriptor FdRole::cache; 0: there is none
    std::uint64_t cache_disk = 0;   // bytes in cache_folder
    std::string cache_folder{};     // absolute; there
    BufferRule buffer{};            // of the worker as a whole
    std::string buffer_folder{};    // absolute; there
    std::vector<Certificate> certificates{};
    bool tls13_only = false;
    std::string client_ca{}; // PEM file, absolute: who must have signed what clients by TLS show; empty: nothing
    std::vector<UpstreamTls> upstream_tls{};
    std::vector<Cidr> trusted_proxies{}; // who may say on whose behalf it asks
    GuardLimits limits{};
    std::uint32_t quarantine_deaths = 3; // children that one URL killed in a row; 0: never
    Milliseconds quarantine_for{60'000};
    bool log_json = false;     // else the combined format
    std::string error_pages{}; // absolute folder; empty: plain ones
    bool maintenance = false;  // begin with everything answered 503

    friend bool operator==(const Front&, const Front&) = default;
};

constexpr std::size_t max_routes = 500;
constexpr std::size_t max_front_bytes = 48U << 10; // encoded, so that `go` fits into one packet

/// JSON. What is at its default is left out.
[[nodiscard]] std::string encode_front(const Front& front);

/// Everything is checked: unknown keys, other types, numbers out of range, patterns, and that what a route needs is there.
[[nodiscard]] Result<Front> decode_front(std::string_view text);

} // namespace mpsup::contract
