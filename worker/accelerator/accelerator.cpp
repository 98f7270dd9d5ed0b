#include "worker/accelerator/accelerator.h"

#include "worker/accelerator/forwarding.h"
#include "worker/accelerator/route_headers.h"
#include "worker/accelerator/store_fill.h"
#include "worker/accelerator/stored_reply.h"
#include "worker/contract/routing.h"
#include "worker/http/error_log.h"
#include "worker/static/range_reply.h"

#include <sys/random.h>

namespace mpsup::accelerator {

namespace {

using http::Clock;

constexpr std::chrono::seconds maintenance_pause{60};
constexpr std::uint64_t most_complaints = 10; // a second

std::mt19937_64 seeded() {
    std::array<std::uint32_t, 8> seed{};
    if (::getrandom(seed.data(), sizeof seed, 0) != sizeof seed) seed[0] = static_cast<std::uint32_t>(::time(nullptr));
    std::seed_seq sequence(seed.begin(), seed.end());
    return std::mt19937_64(sequence);
}

} // namespace

Accelerator::Accelerator(AcceleratorState& state) : state_(state), random_(seeded()) {}

Result<std::unique_ptr<Accelerator>> Accelerator::make(AcceleratorState& state) {
    std::unique_ptr<Accelerator> made(new Accelerator(state));
    if (auto opened = made->open_files(); !opened) return std::unexpected(opened.error());
    return made;
}

Result<> Accelerator::open_files() {
    const auto open_pages = [this](const std::string& folder) -> Result<> {
        error_pages_.emplace_back();
        if (folder.empty()) return {};
        auto pages = static_files::ErrorPages::open(folder);
        if (!pages) return std::unexpected(pages.error());
        error_pages_.back() = std::make_unique<static_files::ErrorPages>(std::move(*pages));
        return {};
    };
    for (const contract::Route& route : state_.front().routes)
        if (auto opened = open_pages(route.error_pages); !opened) return opened;
    if (auto opened = open_pages(state_.front().error_pages); !opened) return opened;
    for (const contract::Route& route : state_.front().routes) {
        files_.emplace_back();
        if (route.target != contract::Route::Target::files) continue;
        static_files::StaticFiles::Options options;
        options.error_pages = pages_of(&route);
        auto files = static_files::StaticFiles::open(route.files, options);
        if (!files) return std::unexpected(files.error());
        files_.back() = std::make_unique<static_files::StaticFiles>(std::move(*files));
    }
    return {};
}

void Accelerator::attach(boost::asio::io_context& context) {
    context_ = &context;
    upstreams_ = std::make_unique<Upstreams>(context);
    disk_reads_ = std::make_unique<DiskReads>(context);
    if (state_.claim_checks()) checks_ = std::make_unique<BackendChecks>(state_, context);
}

// Coroutines that were cut short still hold leases of the upstreams. Threads that read may come back when there is no loop.
void Accelerator::detach() noexcept {
    checks_.reset();
    disk_reads_.reset();
    if (upstreams_) upstreams_->close();
}

static_files::ErrorPages* Accelerator::pages_of(const contract::Route* route) noexcept {
    if (route) {
        const auto index = static_cast<std::size_t>(route - state_.front().routes.data());
        if (error_pages_[index]) return error_pages_[index].get();
    }
    return error_pages_.back().get();
}

void Accelerator::refuse(http::Reply& reply, int status, const contract::Route* route,
                         std::chrono::seconds retry_after) {
    static_files::refuse(reply, status);
    if (retry_after.count() > 0) reply.set("Retry-After", std::to_string(retry_after.count()));
    if (auto* pages = pages_of(route)) pages->apply(reply, Clock::now());
}

std::shared_ptr<const std::string> Accelerator::refusal_page(int status, const http::Request* request) {
    const contract::Route* route = nullptr;
    if (request) route = contract::route(state_.front(), request->authority, request->path).route;
    auto* pages = pages_of(route);
    return pages ? pages->find(status, Clock::now()) : nullptr;
}

void Accelerator::complain(std::string_view message) {
    const http::TimePoint now = Clock::now();
    if (now - complaints_since_ >= std::chrono::seconds(1)) {
        if (complaints_ > most_complaints)
            http::log_error(http::Severity::error,
                            std::to_string(complaints_ - most_complaints) + " more like that within a second");
        complaints_since_ = now;
        complaints_ = 0;
    }
    if (++complaints_ <= most_complaints) http::log_error(http::Severity::error, message);
}

Accelerator::Verdict Accelerator::begin(const http::Request& request, const http::Client& client, http::LogNotes& notes,
                                        http::Reply& reply) {
    const contract::Routing routing = contract::route(state_.front(), request.authority, request.path);
    // Probes of the supervisor come by a unix socket.
    if (state_.maintenance() && !client.address.empty()) {
        refuse(reply, 503, routing.route, maintenance_pause);
        if (auto* pages = pages_of(routing.route))
            if (auto page = pages->maintenance(Clock::now())) reply.set_page(std::move(page));
        return Verdict::answered;
    }
    if (!routing.route || routing.route->internal) {
        refuse(reply, routing.bad_path ? 400 : 404, routing.route);
        return Verdict::answered;
    }
    notes.tier = "files";
    if (files_[routing.index] && answer_files(routing.index, request, reply) == Verdict::answered)
        return Verdict::answered;
    notes.tier = state_.destination(routing.index)->has_pool() ? "pool" : "backend";
    routed_ = request.target.data();
    route_ = routing.index;
    const cache::Rule& rule = state_.rule(routing.index);
    // What a proxy of ours says may change scheme and host: that is looked at later.
    if (!rule.on || state_.is_trusted(client)) return Verdict::later;
    const cache::CacheRequest asked = state_.read_for_cache(request, client.tls, routing.index);
    if (asked.kind != cache::CacheRequest::Kind::lookup || !answer_from_store(request, asked, notes, reply))
        return Verdict::later;
    notes.tier = "cache";
    make_request_id(notes.request_id);
    reply.add("X-Request-Id", notes.request_id);
    apply_headers(reply, routing.route->headers);
    return Verdict::answered;
}

Accelerator::Verdict Accelerator::answer_files(std::size_t index, const http::Request& request, http::Reply& reply) {
    const contract::Route& route = state_.front().routes[index];
    if (!route.backends.empty()) {
        if (!files_[index]->try_answer(request, reply)) return Verdict::later;
    } else {
        files_[index]->answer(request, reply);
    }
    apply_headers(reply, route.headers);
    return Verdict::answered;
}

bool Accelerator::answer_from_store(const http::Request& request, const cache::CacheRequest& asked,
                                    http::LogNotes& notes, http::Reply& reply) {
    cache::Store::Found found = state_.store()->find(asked.key, request.fields);
    if (!found.hit) return false;
    const cache::Reuse reuse = cache::decide_reuse(asked, &found.hit.metadata(), wall_seconds());
    if (reuse.verdict != cache::Reuse::Verdict::fresh && reuse.verdict != cache::Reuse::Verdict::tolerate) return false;
    cache::CacheStatus status;
    status.ttl = reuse.ttl;
    if (!fill_stored(reply, notes, found.hit, asked, request, reuse, status)) return false;
    state_.store()->count_hit();
    return true;
}

http::Task<cache::Store::Found> Accelerator::find(const cache::CacheRequest& asked,
                                                  std::span<const http::Field> request_fields) {
    cache::Store& store = *state_.store();
    cache::Store::Found found = store.find(asked.key, request_fields);
    if (found.on_disk) {
        found.hit = co_await disk_reads_->load(*store.disk(), found.on_disk);
        if (found.hit && found.again) store.promote(found.hit);
    }
    co_return found;
}

http::Task<> Accelerator::serve(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    if (routed_ != request.target.data())
        route_ = contract::route(state_.front(), request.authority, request.path).index;
    routed_ = nullptr;
    const auto forwarding = std::make_unique<Forwarding>(*this, exchange, route_);
    co_await forwarding->run();
}

} // namespace mpsup::accelerator
