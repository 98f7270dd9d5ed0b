// What an operator may ask of a light worker while it serves: its cache, what would become of a request, maintenance. The
// texts of Ask and Answer (messages.h) are made and read here.
#pragma once

#include "base/error.h"
#include "worker/contract/files.h"

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

    friend bool operator==(const ExplainedRequest&, const ExplainedRequest&) = default;
};

struct Explanation {
    std::string cache_key{};   // empty: the request is none that a cache answers
    std::string cache_state{}; // "hit", "stale", "miss", or why it is passed by: "off", "method", "authorization", …
    std::vector<CachedObject> cached{}; // the one that would answer, if any
    TextPairs sent{};                   // header fields that the application would be sent

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
    /// On: everything is answered 503 with the page of error_pages, but for what the supervisor probes.
    virtual void set_maintenance(bool on) = 0;
};

struct Question {
    enum class What { cache_stats, cache_list, purge_urls, purge_tags, explain, maintenance };
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

/// The answer to the text of an Ask, in at most max_answer_bytes (objects that do not fit are left out, with "left_out"):
///   {"stats": {…}} · {"objects": […]} · {"purged": 3} · {"explanation": {…}} · {"maintenance": true} · {"error": "why"}
[[nodiscard]] std::string answer(LightControl& control, std::string_view question);

} // namespace mpsup::contract
