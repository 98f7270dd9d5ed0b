// Fields that caches read, of a response and a request: nothing that they say makes a length of time impossible, a response to
// the very same request not match, or what forbids storing be overlooked.
#include "worker/cache/invalidation.h"
#include "worker/cache/storable.h"
#include "worker/cache/validation.h"
#include "worker/cache/vary.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace mpsup;
using namespace mpsup::cache;

namespace {

constexpr Seconds now = 1'800'000'000;

constexpr std::string_view names[] = {"Cache-Control",
                                      "CDN-Cache-Control",
                                      "Surrogate-Control",
                                      "Expires",
                                      "Age",
                                      "Date",
                                      "Vary",
                                      "Last-Modified",
                                      "ETag",
                                      "Content-Language",
                                      "Connection",
                                      "Cache-Tag",
                                      "Surrogate-Key",
                                      "Location",
                                      "Content-Location",
                                      "Set-Cookie"};
constexpr std::string_view request_names[] = {"Accept-Language", "Accept-Encoding", "Foo",   "Cache-Control",
                                              "Pragma",          "If-None-Match",   "Range", "If-Range"};

void require(bool good) {
    if (!good) std::abort();
}

// A line is a field: its first letter says which.
void split(std::string_view text, std::vector<http::Field>& response, std::vector<http::Field>& request) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        const auto which = static_cast<unsigned char>(line.front());
        std::string_view value = line.substr(1);
        while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        if (which >= 'a' && which < 'a' + std::size(names)) response.push_back({names[which - 'a'], value});
        if (which >= 'A' && which < 'A' + std::size(request_names))
            request.push_back({request_names[which - 'A'], value});
    }
}

void check(const Metadata& metadata) {
    require(metadata.lifetime >= 0 && metadata.lifetime <= longest);
    require(metadata.initial_age >= 0 && metadata.stale_if_error >= 0 && metadata.stale_while_revalidate >= 0);
    require(metadata.age(now + 5) >= metadata.age(now));
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<http::Field> response;
    http::Request request;
    split({reinterpret_cast<const char*>(data), size}, response, request.fields);
    request.method = "GET";
    request.path = "/a/b";
    request.authority = "example.org";
    Rule rule;
    rule.on = true;
    const CacheRequest asked = read_request(request, false, rule);
    const Storing storing = judge_response(asked, 200, response, rule, {now, now});
    if (storing.store) {
        check(storing.metadata);
        const std::string fields = stored_fields(response, storing.keep_set_cookie, now);
        std::vector<http::Field> again;
        split_fields(fields, again);
        require(storing.keep_set_cookie || !find_field(fields, "Set-Cookie"));
        const Selection selection = select_for_client(asked, request.fields, fields, storing.metadata, 1000);
        for (const http::ByteRange& range : selection.ranges)
            require(range.count > 0 && range.first + range.count <= 1000);
        check(freshen(fields, storing.metadata, response, rule, {now, now}).metadata);
    }
    if (const auto variant = variant_text(response, request.fields)) require(variant_matches(*variant, request.fields));
    require(tags_of(response).size() <= 4096);
    http::Request post = request;
    post.method = "POST";
    for (const CacheKey& key : invalidated(read_request(post, false, rule), 200, response))
        require(key.origin() == "http://example.org");

    // Whatever else is said: these are heeded.
    std::vector<http::Field> forbidding;
    for (const http::Field& field : response)
        if (field.name != "CDN-Cache-Control" && field.name != "Surrogate-Control") forbidding.push_back(field);
    forbidding.push_back({"Cache-Control", "private"});
    require(!judge_response(asked, 200, forbidding, rule, {now, now}).store);
    forbidding.back().value = "no-store";
    require(!judge_response(asked, 299, forbidding, rule, {now, now}).store);
    return 0;
}
