// What a fresh hit costs: from the parsed request to the head of the reply and the content's place. Prints nanoseconds of CPU.
#include "tests/worker/cache/two_tiers.h"
#include "worker/cache/cache_status.h"
#include "worker/cache/reply_head.h"

#include <atomic>
#include <cstdio>
#include <ctime>
#include <thread>

using namespace mpsup;
using namespace mpsup::cache;

namespace {

constexpr int urls = 10'000;
constexpr std::size_t rounds = 1'000'000;
std::atomic<std::size_t> waited_for{0}; // that had left the page cache

http::Request browser_request(const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.authority = "www.example.org";
    request.fields = {{"Host", "www.example.org"},
                      {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
                      {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
                      {"Accept-Language", "en-US,en;q=0.5"},
                      {"Accept-Encoding", "gzip, deflate, br, zstd"},
                      {"Cookie", "session=0123456789abcdef"}};
    return request;
}

void fill(Store& store, std::string_view variant) {
    for (int i = 0; i < urls; ++i) {
        const CacheKey key("http", "www.example.org", "/page/" + std::to_string(i), "", false);
        NewResponse response;
        response.key = key.text();
        response.variant = variant;
        response.fields =
            "Content-Type: text/html; charset=utf-8\r\nCache-Control: max-age=600\r\nETag: \"0123456789\"\r\n"
            "Date: Mon, 30 Nov 2026 12:00:00 GMT\r\nVary: Accept-Encoding\r\nX-Frame-Options: deny\r\n";
        response.metadata.lifetime = 600;
        response.metadata.response_time = start;
        StoreWriter writer = store.begin(response);
        if (!writer.append(text_of("x", 1024)) || !writer.commit()) std::abort();
        if (store.disk() && i % 256 == 0) store.disk()->finish(); // as fast as the disk
    }
}

// The work of one hit, as the forwarder does it.
std::size_t hit(Store& store, const http::Request& request, const Rule& rule, std::string& out) {
    const CacheRequest asked = read_request(request, false, rule);
    Store::Found found = store.find(asked.key, request.fields);
    if (!found.hit && found.on_disk) {
        found.hit = store.disk()->load(found.on_disk);
        ++waited_for;
    }
    const Reuse reuse = decide_reuse(asked, found.hit ? &found.hit.metadata() : nullptr, start + 5);
    if (reuse.verdict != Reuse::Verdict::fresh) std::abort();
    const Selection selection =
        select_for_client(asked, request.fields, found.hit.fields(), found.hit.metadata(), found.hit.size());
    CacheStatus status;
    status.ttl = reuse.ttl;
    CacheStatus::Text space;
    const StoredReply reply{
        selection.status, found.hit.fields(), reuse.age, status.text(space), found.hit.size(), {}, {}, false};
    write_stored_head(out, reply, {false, 1, true});
    out += found.hit.piece(0);
    return out.size();
}

double nanoseconds(Store& store, const std::vector<http::Request>& requests, int threads) {
    const std::clock_t begun = std::clock();
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread)
        all.emplace_back([&, thread] {
            const Rule rule = caching();
            std::string out;
            for (std::size_t i = 0; i < rounds; ++i) {
                out.clear();
                hit(store, requests[(i * 7919 + static_cast<std::size_t>(thread) * 13) % requests.size()], rule, out);
            }
        });
    for (std::thread& thread : all) thread.join();
    return static_cast<double>(std::clock() - begun) * 1e9 / CLOCKS_PER_SEC / static_cast<double>(rounds) / threads;
}

} // namespace

int main() {
    std::vector<std::string> paths;
    std::vector<http::Request> requests;
    for (int i = 0; i < urls; ++i) paths.push_back("/page/" + std::to_string(i));
    for (const std::string& path : paths) requests.push_back(browser_request(path));
    for (const std::string variant : {"", "accept-encoding:br,deflate,gzip,zstd\n"}) {
        const SharedMemory memory(std::uint64_t{64} << 20U);
        auto store = memory.attach();
        fill(*store, variant);
        std::printf("%s: %.0f ns a hit, %.0f with two threads\n", variant.empty() ? "no Vary" : "Vary: Accept-Encoding",
                    nanoseconds(*store, requests, 1), nanoseconds(*store, requests, 2));
    }
    // Memory for one in twenty: nearly each is read from the page cache, and comes to memory in the place of another.
    TwoTiers tiers;
    const SharedMemory memory(std::uint64_t{1} << 20U);
    auto store = tiers.attach(memory, std::uint64_t{64} << 20U);
    fill(*store, "");
    store->disk()->finish();
    const double one = nanoseconds(*store, requests, 1);
    const double two = nanoseconds(*store, requests, 2);
    // None is lost, or it had ended: the rest was in memory, where one thread finds what the other has just brought there.
    std::printf("on the disk: %.0f ns a hit, %.0f with two threads; %.2f of them, and %.2f had left the page cache\n",
                one, two, static_cast<double>(store->stats().disk->hits) / (3.0 * rounds),
                static_cast<double>(waited_for) / (3.0 * rounds));
    return 0;
}
