// Requests and responses for tests, and a cache of one URL around the policy, in the words of http-cache-tests.
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/invalidation.h"
#include "worker/cache/reuse.h"
#include "worker/cache/storable.h"
#include "worker/cache/validation.h"
#include "worker/cache/vary.h"
#include "worker/http/http_date.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace mpsup::cache {

constexpr Seconds start = 1'800'000'000; // 2027

/// Fields that own their text.
class OwnedFields {
public:
    OwnedFields() = default;
    OwnedFields(std::initializer_list<std::pair<std::string, std::string>> fields) {
        for (const auto& [name, value] : fields) add(name, value);
    }
    void add(std::string name, std::string value) {
        const std::string& kept_name = texts_.emplace_back(std::move(name));
        const std::string& kept_value = texts_.emplace_back(std::move(value));
        fields_.push_back({kept_name, kept_value});
    }
    operator Fields() const { return fields_; } // NOLINT(google-explicit-constructor): what it is for
    [[nodiscard]] const std::vector<http::Field>& all() const { return fields_; }

private:
    std::deque<std::string> texts_;
    std::vector<http::Field> fields_;
};

inline std::string date(Seconds time) {
    const http::HttpDate text = http::format_http_date(time);
    return {text.begin(), text.end()};
}

inline http::Request get(const OwnedFields& fields = {}) {
    http::Request request;
    request.method = "GET";
    request.path = "/p";
    request.authority = "example.org";
    request.fields = fields.all();
    return request;
}

inline Rule caching() {
    Rule rule;
    rule.on = true;
    return rule;
}

/// What became of a request.
enum class Came { cached, stale, validated, forwarded, refused };

/// One stored response, a clock that is moved by hand, an origin that answers what it is told to.
class OneUrl {
public:
    Rule rule = caching();
    Seconds now = start;

    /// The origin answers this to a request with these fields.
    bool store(const OwnedFields& response, const OwnedFields& request_fields = {}, int status = 200,
               std::string_view method = "GET") {
        http::Request request = get(request_fields);
        request.method = method;
        const CacheRequest asked = read_request(request, false, rule);
        const Storing storing = judge_response(asked, status, response, rule, {now, now});
        reason = storing.reason;
        stored = storing.store;
        if (!stored) return false;
        metadata = storing.metadata;
        fields = stored_fields(response, storing.keep_set_cookie, now);
        variant = variant_text(response, request_fields).value_or("?");
        return true;
    }

    Came ask(const OwnedFields& request_fields = {}) {
        const http::Request request = get(request_fields);
        const CacheRequest asked = read_request(request, false, rule);
        if (asked.kind != CacheRequest::Kind::lookup) return Came::forwarded;
        const auto language = find_field(fields, "Content-Language");
        const bool matches = stored && variant_matches(variant, request_fields, language.value_or(""));
        reuse = decide_reuse(asked, matches ? &metadata : nullptr, now);
        switch (reuse.verdict) {
        case Reuse::Verdict::fresh:
        case Reuse::Verdict::tolerate: return Came::cached;
        case Reuse::Verdict::stale: return Came::stale;
        case Reuse::Verdict::refuse: return Came::refused;
        case Reuse::Verdict::miss: return Came::forwarded;
        case Reuse::Verdict::validate: break;
        }
        const OriginConditions conditions = origin_conditions(fields);
        return conditions.if_none_match.empty() && conditions.if_modified_since.empty() ? Came::forwarded
                                                                                        : Came::validated;
    }
    Came ask_after(Seconds seconds, const OwnedFields& request_fields = {}) {
        now += seconds;
        return ask(request_fields);
    }
    /// Stored, and asked for again three seconds later, as most tests of the suite do.
    Came reuse_of(const OwnedFields& response) {
        store(response);
        return ask_after(3);
    }
    Selection select(const OwnedFields& request_fields, std::uint64_t size = 11) {
        const http::Request request = get(request_fields);
        return select_for_client(read_request(request, false, rule), request_fields, fields, metadata, size);
    }
    [[nodiscard]] bool has(std::string_view name) const { return find_field(fields, name).has_value(); }

    bool stored = false;
    std::string reason, fields, variant;
    Metadata metadata;
    Reuse reuse;
};

} // namespace mpsup::cache
