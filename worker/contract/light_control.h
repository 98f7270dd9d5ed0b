// What an operator may ask of a light worker while it serves: its cache, what would become of a request, maintenance. The
// texts of Ask and Answer (messages.h) are made and read here.
#pragma once

#include "base/error.h"
#include "worker/contract/files.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::contract {

struct CachedObject {
    std::string url{};     // scheme, host, path and query, as in the key
    std::string variant{}; // what distinguishes it from others of the URL ("accept-encoding: gzip"), or empty
    int status = 200;
    std::uint64_t bytes = 0; // of its content
    Seconds age{0};
    Seconds fresh_for{0}; // negative: stale since
    Texts tags{};
    bool on_disk = false;

    friend bool operator==(const CachedObject&, const CachedObject&) = default;
};

/// A request that nobody makes.
struct ExplainedRequest {
    std::string method{"GET"};
    std::string scheme{"http"};
    std::string authority{}; // host[:port]
    std::string target{"/"}; // path and query, raw
    TextPairs headers{};
    std::string client{"127.0.0.1"}; // the address that it comes from

    friend bool operator==(const ExplainedRequest&, const ExplainedRequest&) = default;
};

/// A backend at an address, as one route has it: others may lead there too.
struct BackendReport {
    std::uint32_t route = 0; // its number, from 1
    std::string path{};      // that the route is for, its host before it
    std::string address{};
    std::string state{};                       // "up", "slow start", "down" (by its checks), "ejected", "out"
    std::uint32_t in_flight = 0;               // requests
    std::uint32_t failures = 0;                // of requests, in a row
    std::chrono::milliseconds left{0};         // ejected: until it is asked; slow start: until that is over
    std::chrono::milliseconds checked_ago{-1}; // negative: never
    bool check_passed = false;                 // then

    friend bool operator==(const BackendReport&, const BackendReport&) = default;
};
using BackendReports = std::vector<BackendReport>;

struct Explanation {
    std::string cache_key{};   // empty: the request is none that a cache answers
    std::string cache_state{}; // "hit", "stale", "miss", or why it is passed by: "off", "method", "authorization", …
    std::vector<CachedObject> cached{};           // the one that would answer, if any
    TextPairs sent{};                             // header fields that the application would be sent
    bool maintenance = false;                     // everything is answered 503
    std::chrono::milliseconds quarantined_for{0}; // 503 for so long, because it killed whoever served it; 0: it is not
    BackendReports backends{};                    // of the route

    friend bool operator==(const Explanation&, const Explanation&) = default;
};

/// In an order that makes sense to people: {"objects", 12}, {"bytes", 4096}, {"capacity_bytes", …}, {"hits", …}, …
using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

/// Implemented by whoever serves, called in its main loop; other threads of it may be serving meanwhile. Nothing waits.
class LightControl {
public:
    virtual ~LightControl() = default;

    [[nodiscard]] virtual Counts cache_stats() = 0;
    /// At most `limit`, those that were used last first.
    [[nodiscard]] virtual std::vector<CachedObject> cached(std::size_t limit) = 0;
    /// Every variant of "http://host/path?query"; of a URL that ends in `*` whatever begins like it. How many went.
    virtual std::uint64_t purge_url(std::string_view url) = 0;
    virtual std::uint64_t purge_tag(std::string_view tag) = 0;
    [[nodiscard]] virtual Explanation explain(const ExplainedRequest& request) = 0;
    /// Of all routes that lead to addresses.
    [[nodiscard]] virtual BackendReports backends() = 0;
    /// On: everything is answered 503 with the page of error_pages, but for what the supervisor probes.
    virtual void set_maintenance(bool on) = 0;
};

struct Question {
    enum class What { cache_stats, cache_list, purge_urls, purge_tags, explain, maintenance, backends, in_flight };
    What what = What::cache_stats;
    Texts texts{};             // of a purge: URLs, or tags
    std::uint32_t limit = 100; // of a list
    bool on = false;           // of maintenance
    ExplainedRequest request{};

    friend bool operator==(const Question&, const Question&) = default;
};

[[nodiscard]] std::string encode_question(const Question& question);
/// Everything is checked: other keys, types, sizes.
[[nodiscard]] Result<Question> decode_question(std::string_view text);

/// The answer to the text of an Ask, in at most max_answer_bytes (objects that do not fit are left out, with "left_out").
/// `control`: null of a worker that keeps nothing. `in_flight`: requests that it has not answered yet.
///   {"stats": {…}} · {"objects": […]} · {"purged": 3} · {"explanation": {…}} · {"backends": […]} · {"in_flight": 3} · {"maintenance": true} · {"error": "why"}
[[nodiscard]] std::string answer(LightControl* control, std::uint64_t in_flight, std::string_view question);

/// From the answer to What::in_flight.
[[nodiscard]] Result<std::uint64_t> decode_in_flight(std::string_view answer);

} // namespace mpsup::contract
