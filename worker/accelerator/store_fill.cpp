#include "worker/accelerator/store_fill.h"

#include "worker/cache/vary.h"
#include "worker/http/error_log.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

// The fields with X-Accel-Expires in the place of what they say of freshness.
std::vector<http::Field> with_lifetime(cache::Fields fields, std::string_view cache_control) {
    std::vector<http::Field> result;
    for (const http::Field& field : fields)
        if (!http::equals_ignoring_case(field.name, "Cache-Control") &&
            !http::equals_ignoring_case(field.name, "CDN-Cache-Control") &&
            !http::equals_ignoring_case(field.name, "Expires"))
            result.push_back(field);
    result.push_back({"Cache-Control", cache_control});
    return result;
}

} // namespace

cache::Seconds wall_seconds() noexcept { return std::time(nullptr); }

void StoreFill::land(cache::Landing landing) {
    if (leader_) leader_.land(landing, wall_seconds());
}

void StoreFill::begin(const cache::CacheRequest& asked, int status, cache::Fields fields, cache::Fields request_fields,
                      const cache::Times& times, std::optional<std::uint64_t> length,
                      std::optional<std::chrono::seconds> expires) {
    if (expires && expires->count() == 0) {
        reason_ = "expires";
        return land(cache::Landing::uncacheable);
    }
    std::vector<http::Field> changed;
    const std::string lifetime = expires ? "max-age=" + std::to_string(expires->count()) : std::string();
    if (expires) changed = with_lifetime(fields, lifetime);
    const cache::Storing storing =
        cache::judge_response(asked, status, expires ? cache::Fields(changed) : fields, rule_, times);
    const auto variant = cache::variant_text(fields, request_fields);
    length_ = length;
    const bool small = !length || *length <= max_object_;
    reason_ = storing.store && variant && small ? "" : storing.store ? "size" : storing.reason;
    metadata_ = storing.metadata;
    if (storing.store && variant && small) {
        const std::string stored = cache::stored_fields(fields, storing.keep_set_cookie, times.response);
        const std::string tags = cache::tags_of(fields);
        writer_ = store_.begin({asked.key.text(), *variant, stored, tags, storing.metadata, length, mark_});
    }
    if (!writer_) land(cache::Landing::uncacheable);
}

void StoreFill::piece(std::string_view piece) {
    if (!writer_) return;
    size_ += piece.size();
    if (size_ <= max_object_ && writer_.append(piece)) return;
    abandon();
}

void StoreFill::whole() {
    if (!writer_) return;
    const bool stored = writer_.commit();
    writer_ = {};
    land(stored ? cache::Landing::stored : cache::Landing::uncacheable);
}

bool StoreFill::is_worth_finishing() const {
    return storing() && (leader_.is_awaited() || (length_ && size_ >= *length_ / 2));
}

void StoreFill::abandon() noexcept {
    writer_.abort();
    writer_ = {};
    reason_ = "size";
    land(cache::Landing::uncacheable);
}

http::Task<> fill_from(StoreFill& fill, UpstreamCall& call) {
    while (fill.storing()) {
        const auto event = call.next();
        if (event == ResponseReader::Event::piece) {
            fill.piece(call.piece());
        } else if (event == ResponseReader::Event::end) {
            fill.whole();
            co_return call.release();
        } else if (event == ResponseReader::Event::need_input) {
            const auto failed = co_await call.wait();
            if (failed) co_return;
        } else {
            co_return;
        }
    }
}

namespace {

// What a response needs that nobody waits for.
struct Aside {
    Aside(StoreFill taken, UpstreamCall from, const CallRequest& of)
        : method(of.method),
          host(of.host),
          path(of.path),
          request{.method = method, .host = host, .path = path},
          call(std::move(from), request),
          fill(std::move(taken)) {}

    const std::string method, host, path;
    const CallRequest request;
    UpstreamCall call;
    StoreFill fill;
};

http::Task<> run(std::unique_ptr<Aside> aside) {
    try {
        co_await fill_from(aside->fill, aside->call);
    } catch (const std::exception& failed) { // nobody waits for it who could say so
        http::log_error(http::Severity::error, "a copy was given up: " + aside->request.name() + ": " + failed.what());
    }
}

} // namespace

void fill_aside(asio::io_context& context, StoreFill fill, UpstreamCall call, http::TimePoint until) {
    const CallRequest& request = call.request();
    auto aside = std::make_unique<Aside>(std::move(fill), std::move(call), request);
    aside->call.hurry(until);
    asio::co_spawn(context, run(std::move(aside)), asio::detached);
}

cache::Freshened freshened(const cache::Hit& hit, cache::Fields response, const cache::Rule& rule,
                           const cache::Times& times, std::optional<std::chrono::seconds> expires) {
    cache::Freshened fresh = cache::freshen(hit.fields(), hit.metadata(), response, rule, times);
    if (!expires) return fresh;
    fresh.keep = expires->count() > 0;
    fresh.metadata.lifetime = expires->count();
    fresh.metadata.has_lifetime = true;
    fresh.metadata.always_validate = fresh.metadata.must_revalidate = false;
    return fresh;
}

} // namespace mpsup::accelerator
