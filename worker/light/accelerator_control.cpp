#include "worker/light/accelerator_control.h"

#include "worker/accelerator/forward_head.h"
#include "worker/cache/cache_request.h"
#include "worker/cache/reuse.h"
#include "worker/contract/routing.h"
#include "worker/http/target.h"

#include <ctime>

namespace mpsup::light {

namespace {

using accelerator::AcceleratorState;

constexpr std::size_t rows_a_look = 256;

contract::Texts words_of(std::string_view text) {
    contract::Texts words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" ,\n"), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

// "accept-encoding:gzip\n" as people write it.
std::string readable_variant(std::string_view text) {
    std::string result;
    for (const char c : text.substr(0, text.find_last_not_of('\n') + 1)) {
        if (c == '\n')
            result += "; ";
        else if (c == ':')
            result += ": ";
        else
            result += c;
    }
    return result;
}

contract::CachedObject object_of(const cache::StoredRow& row) {
    contract::CachedObject object;
    object.url = row.url;
    object.variant = readable_variant(row.variant);
    object.status = row.status;
    object.bytes = row.size;
    object.age = contract::Seconds(row.age);
    object.fresh_for = contract::Seconds(row.ttl);
    object.tags = words_of(row.tags);
    object.on_disk = row.on_disk;
    return object;
}

// All rows whose URL starts with `prefix`, until `take` says that it has enough.
template <typename Take> void for_each_row(cache::Store& store, std::string_view prefix, Take take) {
    std::uint64_t cursor = 0;
    do {
        for (const cache::StoredRow& row : store.list(cursor, rows_a_look, prefix, std::time(nullptr)))
            if (!take(row)) return;
    } while (cursor != 0);
}

// A request as the gate would have let it through; nothing for a target that it would not. Its views are of `asked`.
std::optional<http::Request> request_of(const contract::ExplainedRequest& asked) {
    const auto target = http::split_target(asked.target, asked.method == "OPTIONS");
    if (!target) return std::nullopt;
    http::Request request;
    request.method = asked.method;
    request.target = asked.target;
    request.path = target->path;
    request.query = target->query;
    request.has_query = target->has_query;
    request.authority = asked.authority;
    request.fields.push_back({"Host", asked.authority});
    for (const auto& [name, value] : asked.headers) request.fields.push_back({name, value});
    return request;
}

std::string_view state_of(cache::Reuse::Verdict verdict) noexcept {
    switch (verdict) {
    case cache::Reuse::Verdict::fresh: return "hit";
    case cache::Reuse::Verdict::stale:
    case cache::Reuse::Verdict::tolerate: return "stale";
    case cache::Reuse::Verdict::validate: return "validate";
    case cache::Reuse::Verdict::miss: return "miss";
    case cache::Reuse::Verdict::refuse: return "only-if-cached";
    }
    return "miss";
}

void explain_cache(AcceleratorState& state, const http::Request& request, bool tls, const cache::Rule& rule,
                   contract::Explanation& explanation) {
    if (!rule.on || !state.store()) {
        explanation.cache_state = "off";
        return;
    }
    const cache::CacheRequest wanted = cache::read_request(request, tls, rule);
    if (wanted.kind != cache::CacheRequest::Kind::lookup) {
        explanation.cache_state = wanted.kind == cache::CacheRequest::Kind::unsafe ? "method" : wanted.reason;
        return;
    }
    explanation.cache_key = wanted.key.text();
    const auto now = static_cast<cache::Seconds>(std::time(nullptr));
    const cache::Store::Found found = state.store()->find(wanted.key, request.fields);
    const cache::Metadata* stored = found.hit ? &found.hit.metadata() : nullptr;
    explanation.cache_state = state_of(cache::decide_reuse(wanted, stored, now).verdict);
    if (!stored) return;
    contract::CachedObject object;
    object.url = found.hit.key();
    object.status = stored->status;
    object.bytes = found.hit.size();
    object.age = contract::Seconds(stored->age(now));
    object.fresh_for = contract::Seconds(stored->ttl(now));
    explanation.cached.push_back(std::move(object));
}

// The fields of a head, without its first line.
contract::TextPairs fields_of(std::string_view head) {
    contract::TextPairs fields;
    head.remove_prefix(std::min(head.find("\r\n") + 2, head.size()));
    while (!head.starts_with("\r\n") && !head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        const std::size_t colon = line.find(": ");
        fields.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
    }
    return fields;
}

contract::TextPairs sent_fields(AcceleratorState& state, const http::Request& request, bool tls,
                                const contract::Route& route) {
    const accelerator::Peer peer{"127.0.0.1", "127.0.0.1", 0, tls, false};
    accelerator::ClientIdentity identity;
    accelerator::identify(request, peer, [&](std::string_view address) { return state.is_trusted(address); }, identity);
    accelerator::ForwardPlan plan;
    plan.peer = peer.address;
    const std::string id = accelerator::make_request_id(0, 0);
    plan.request_id = id;
    plan.keep_alive = route.pool.empty();
    plan.overrides = route.request_headers;
    std::string head;
    accelerator::write_forward_head(head, request, identity, plan);
    return fields_of(head);
}

} // namespace

contract::Counts AcceleratorControl::cache_stats() {
    if (!state_.store()) return {};
    const cache::StoreStats stats = state_.store()->stats();
    contract::Counts counts{{"objects", stats.objects},   {"bytes", stats.used_bytes}, {"capacity_bytes", stats.bytes},
                            {"hits", stats.hits},         {"misses", stats.misses},    {"stored", stats.stored},
                            {"rejected", stats.rejected}, {"evicted", stats.evicted},  {"erased", stats.erased},
                            {"damaged", stats.damaged}};
    if (const auto& disk = stats.disk) {
        counts.insert(counts.end(), {{"disk_objects", disk->objects},
                                     {"disk_bytes", disk->used_bytes},
                                     {"disk_capacity_bytes", disk->bytes},
                                     {"disk_hits", disk->hits},
                                     {"disk_stored", disk->stored},
                                     {"disk_dropped", disk->dropped},
                                     {"disk_damaged", disk->damaged}});
    }
    return counts;
}

std::vector<contract::CachedObject> AcceleratorControl::cached(std::size_t limit) {
    std::vector<contract::CachedObject> objects;
    if (!state_.store() || limit == 0) return objects;
    for_each_row(*state_.store(), {}, [&](const cache::StoredRow& row) {
        objects.push_back(object_of(row));
        return objects.size() < limit;
    });
    return objects;
}

std::uint64_t AcceleratorControl::purge_url(std::string_view url) {
    if (!state_.store()) return 0;
    if (!url.ends_with('*')) return state_.store()->erase(cache::CacheKey::of_url(url));
    std::vector<cache::CacheKey> keys;
    for_each_row(*state_.store(), url.substr(0, url.size() - 1), [&](const cache::StoredRow& row) {
        keys.push_back(cache::CacheKey::of_url(row.url));
        return true;
    });
    std::uint64_t erased = 0;
    for (const cache::CacheKey& key : keys) erased += state_.store()->erase(key);
    return erased;
}

std::uint64_t AcceleratorControl::purge_tag(std::string_view tag) {
    return state_.store() ? state_.store()->erase_tag(tag) : 0;
}

contract::Explanation AcceleratorControl::explain(const contract::ExplainedRequest& asked) {
    contract::Explanation explanation;
    const auto request = request_of(asked);
    if (!request) return explanation;
    const contract::Routing routing = contract::route(state_.front(), request->authority, request->path);
    if (!routing.route || routing.route->backends.empty()) return explanation;
    const bool tls = asked.scheme == "https";
    explain_cache(state_, *request, tls, state_.rule(routing.index), explanation);
    explanation.sent = sent_fields(state_, *request, tls, *routing.route);
    return explanation;
}

} // namespace mpsup::light
