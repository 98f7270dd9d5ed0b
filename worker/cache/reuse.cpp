#include "worker/cache/reuse.h"

namespace mpsup::cache {

namespace {

using Verdict = Reuse::Verdict;

// The client does not want this one as it is.
bool client_objects(const Directives& client, const Reuse& reuse) noexcept {
    if (client.no_cache) return true;
    if (client.max_age && (reuse.age > *client.max_age || *client.max_age == 0)) return true;
    return client.min_fresh && reuse.ttl < *client.min_fresh;
}

bool client_tolerates(const Directives& client, const Reuse& reuse) noexcept {
    return client.max_stale_any || (client.max_stale && -reuse.ttl <= *client.max_stale);
}

Verdict judge(const CacheRequest& request, const Metadata& stored, const Reuse& reuse) noexcept {
    if (stored.always_validate || client_objects(request.client, reuse)) return Verdict::validate;
    if (reuse.ttl > 0) return Verdict::fresh;
    if (!stored.must_revalidate && client_tolerates(request.client, reuse)) return Verdict::tolerate;
    if (-reuse.ttl < stored.stale_while_revalidate) return Verdict::stale;
    return Verdict::validate;
}

} // namespace

Reuse decide_reuse(const CacheRequest& request, const Metadata* stored, Seconds now) noexcept {
    Reuse reuse;
    if (stored) {
        reuse.age = stored->age(now);
        reuse.ttl = stored->ttl(now);
        reuse.verdict = judge(request, *stored, reuse);
        reuse.stale_if_error = !stored->always_validate && (reuse.ttl > 0 || -reuse.ttl < stored->stale_if_error);
    }
    if (request.client.only_if_cached && (reuse.verdict == Verdict::validate || reuse.verdict == Verdict::miss))
        reuse.verdict = Verdict::refuse;
    return reuse;
}

bool is_origin_error(int status) noexcept { return status == 500 || (status >= 502 && status <= 504); }

} // namespace mpsup::cache
