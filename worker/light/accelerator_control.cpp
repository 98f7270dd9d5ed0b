#include "worker/light/accelerator_control.h"

#include "worker/accelerator/forward_head.h"
#include "worker/accelerator/renewal.h"
#include "worker/accelerator/route_plans.h"
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

// What the cache has for it; `asked`: as when a client asks, or nothing where there is none. The hit, if it is to be asked for anew.
cache::Hit explain_cache(AcceleratorState& state, const http::Request& request,
                         const std::optional<cache::CacheRequest>& asked, contract::Explanation& explanation) {
    if (!asked) {
        explanation.cache_state = "off";
        return {};
    }
    const cache::CacheRequest& wanted = *asked;
    if (wanted.kind != cache::CacheRequest::Kind::lookup) {
        explanation.cache_state = wanted.kind == cache::CacheRequest::Kind::unsafe ? "method" : wanted.reason;
        return {};
    }
    explanation.cache_key = wanted.key.text();
    const auto now = static_cast<cache::Seconds>(std::time(nullptr));
    cache::Store::Found found = state.store()->find(wanted.key, request.fields);
    const cache::Metadata* stored = found.hit ? &found.hit.metadata() : nullptr;
    const cache::Reuse::Verdict verdict = cache::decide_reuse(wanted, stored, now).verdict;
    explanation.cache_state = state_of(verdict);
    if (!stored) return {};
    contract::CachedObject object;
    object.url = found.hit.key();
    object.status = stored->status;
    object.bytes = found.hit.size();
    object.age = contract::Seconds(stored->age(now));
    object.fresh_for = contract::Seconds(stored->ttl(now));
    explanation.cached.push_back(std::move(object));
    return verdict == cache::Reuse::Verdict::validate ? std::move(found.hit) : cache::Hit();
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

contract::TextPairs sent_fields(AcceleratorState& state, const http::Request& request, const http::Client& client,
                                const accelerator::ClientIdentity& identity, std::size_t route, bool is_lookup,
                                const cache::Hit& known) {
    accelerator::RoutePlans plans(state.front().routes[route], *state.destination(route), client);
    accelerator::ForwardPlan plan = plans.forward(request, identity, state.destination(route)->has_pool());
    std::string id(identity.request_id);
    if (id.empty()) accelerator::make_request_id(0, 0, id);
    plan.request_id = id;
    plan.upgrade = accelerator::wants_websocket(request);
    plan.refetch = is_lookup && (known || !request.find("Range")); // as Forwarding::write_head()
    std::vector<http::Field> conditions;
    if (known) accelerator::add_conditions(known, conditions);
    plan.additions = conditions;
    std::string head;
    accelerator::write_forward_head(head, request, identity, plan);
    return fields_of(head);
}

contract::BackendReport report_of(const accelerator::Backends::View& view, http::TimePoint now) {
    using std::chrono::ceil;
    using std::chrono::milliseconds;
    contract::BackendReport report;
    report.address = view.address;
    report.in_flight = static_cast<std::uint32_t>(view.connections);
    report.failures = static_cast<std::uint32_t>(view.failures);
    if (view.out) {
        report.state = "out";
        return report;
    }
    switch (view.state) {
    case accelerator::BackendState::up: report.state = view.slow_until > now ? "slow start" : "up"; break;
    case accelerator::BackendState::down: report.state = "down"; break;
    case accelerator::BackendState::ejected: report.state = "ejected"; break;
    }
    const http::TimePoint end = view.state == accelerator::BackendState::ejected ? view.until : view.slow_until;
    if (end > now && view.state != accelerator::BackendState::down) report.left = ceil<milliseconds>(end - now);
    if (view.checked_at != http::TimePoint::min()) {
        report.checked_ago = std::chrono::duration_cast<milliseconds>(now - view.checked_at);
        report.check_passed = view.check_passed;
    }
    return report;
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
    explanation.maintenance = state_.maintenance();
    auto request = request_of(asked);
    if (!request) return explanation;
    const contract::Routing routing = contract::route(state_.front(), request->authority, request->path);
    if (!routing.route || routing.route->backends.empty()) return explanation;
    http::Client client;
    client.address = asked.client;
    client.local_address = "127.0.0.1";
    client.tls = asked.scheme == "https";
    accelerator::ClientIdentity identity;
    state_.identify(*request, client, identity);
    request->authority = identity.host;
    std::optional<cache::CacheRequest> wanted;
    if (state_.rule(routing.index).on) wanted = state_.read_for_cache(*request, identity.secure(), routing.index);
    const cache::Hit known = explain_cache(state_, *request, wanted, explanation);
    const bool is_lookup = wanted && wanted->kind == cache::CacheRequest::Kind::lookup;
    explanation.sent = sent_fields(state_, *request, client, identity, routing.index, is_lookup, known);
    explanation.quarantined_for = state_.poison().quarantined_for(
        accelerator::Poison::key(request->method, identity.host, request->path), http::Clock::now());
    report(routing.index, explanation.backends);
    return explanation;
}

contract::BackendReports AcceleratorControl::backends() {
    contract::BackendReports reports;
    for (std::size_t i = 0; i < state_.front().routes.size(); ++i) report(i, reports);
    return reports;
}

// A pool's children are its own business; where there are others beside it, it is one of several.
void AcceleratorControl::report(std::size_t route, contract::BackendReports& reports) {
    accelerator::Destination* const destination = state_.destination(route);
    if (!destination || !destination->has_backends()) return;
    const contract::Route& from = state_.front().routes[route];
    const http::TimePoint now = http::Clock::now();
    for (const accelerator::Backends::View& view : destination->backends().view()) {
        contract::BackendReport& made = reports.emplace_back(report_of(view, now));
        made.route = static_cast<std::uint32_t>(route + 1);
        made.path = from.host + from.path.text;
        if (view.address.starts_with("unix:")) made.address = "pool " + from.pool;
    }
}

} // namespace mpsup::light
