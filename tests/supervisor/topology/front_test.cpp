#include "supervisor/topology/front.h"

#include "worker/contract/routing.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

class Fronts : public SiteFolder {
protected:
    [[nodiscard]] contract::Front front(const std::string& keys) const {
        const auto topology =
            load("site: s\nworkers:\n  front: {kind: accelerator, listen: [127.0.0.1:80, {address: 127.0.0.1:81, "
                 "proxy_protocol: on}], " +
                 keys + "}\n  pool: {kind: dynamic, app: app.psgi}\n");
        EXPECT_TRUE(topology) << format_problems(topology.error());
        if (!topology) return {};
        auto result = front_of(topology->workers[0], {"/run/pool", "/state/buffer", "/state/cache"});
        EXPECT_EQ(contract::decode_front(contract::encode_front(result)).value(), result) << "a worker takes it";
        return result;
    }
};

TEST_F(Fronts, LeadToTheSocketOfAPool) {
    const auto made =
        front("routes: [{path: /x/, to: pool, strip: on}, {path: /y/, to: [127.0.0.1:90, 127.0.0.1:91]}]");
    ASSERT_EQ(made.routes.size(), 2U);
    EXPECT_EQ(made.routes[0].target, contract::Route::Target::upstream);
    EXPECT_EQ(made.routes[0].backends, (std::vector<contract::Backend>{{"unix:/run/pool/pool.sock"}}));
    EXPECT_EQ(made.routes[0].pool, "pool");
    EXPECT_EQ(made.routes[0].strip_prefix, "/x");
    EXPECT_EQ(made.routes[1].backends.size(), 2U);
    EXPECT_EQ(made.routes[1].pool, "");
    EXPECT_EQ(made.buffer_folder, "/state/buffer");
    EXPECT_EQ(made.listeners,
              (std::vector<contract::FrontListener>{{"127.0.0.1:80", false, false}, {"127.0.0.1:81", false, true}}));
}

TEST_F(Fronts, PutAPoolBeforeAddresses) {
    const auto made = front("routes: [{to: [127.0.0.1:90, pool, 127.0.0.1:91]}]");
    ASSERT_EQ(made.routes.size(), 1U);
    EXPECT_EQ(made.routes[0].pool, "pool");
    EXPECT_EQ(made.routes[0].backends,
              (std::vector<contract::Backend>{{"unix:/run/pool/pool.sock"}, {"127.0.0.1:90"}, {"127.0.0.1:91"}}));
}

TEST_F(Fronts, TakeTheMatchedBeginningOffAnAlias) {
    const auto made = front("routes: [{path: /s/, alias: htdocs, try: pool}, {root: htdocs, try: /i.html}]");
    EXPECT_EQ(made.routes[0].files.root, path("htdocs"));
    EXPECT_EQ(made.routes[0].files.strip_prefix, "/s");
    EXPECT_EQ(made.routes[0].target, contract::Route::Target::files);
    EXPECT_EQ(made.routes[0].pool, "pool");
    EXPECT_EQ(made.routes[1].files.strip_prefix, "");
    EXPECT_EQ(made.routes[1].files.try_file, "/i.html");
}

TEST_F(Fronts, HaveMemoryForACacheWhenARouteHasOne) {
    EXPECT_EQ(front("routes: [{to: pool}], cache: off").cache_memory, 0U);
    EXPECT_EQ(front("routes: [{to: pool, cache: on}]").cache_memory, 64U << 20U);
    EXPECT_EQ(front("routes: [{to: pool, cache: on}]").cache_disk, 0U);
    EXPECT_EQ(front("cache: {size: 8MiB, disk: 1GiB}, routes: [{to: pool}]").cache_disk, 1U << 30U);
    EXPECT_EQ(front("cache: {disk: 1GiB}, routes: [{to: pool, cache: on}]").cache_memory, 64U << 20U);
    EXPECT_EQ(front("cache: off, routes: [{to: pool}]").cache_folder, "");
    EXPECT_EQ(
        front("routes: [{path: /a/, to: pool, cache: {size: 2MiB}}, {to: pool, cache: {size: 3MiB}}]").cache_memory,
        5U << 20U);
    EXPECT_EQ(front("cache: {size: 8MiB}, routes: [{to: pool, cache: {size: 2MiB}}]").cache_memory, 8U << 20U);
}

TEST_F(Fronts, OfAStaticWorkerAreOneRoute) {
    const auto topology = load(static_worker("serves: [/static/], expires: 1h, threads: 2"));
    ASSERT_TRUE(topology) << format_problems(topology.error());
    const auto made = front_of(topology->workers[0], {});
    ASSERT_EQ(made.routes.size(), 1U);
    EXPECT_EQ(made.routes[0].files.root, path("htdocs"));
    EXPECT_EQ(made.routes[0].files.serves, (contract::Texts{"/static/"}));
    EXPECT_EQ(made.threads, 2U);
    EXPECT_TRUE(contract::route(made, "h", "/anything").route) << "what it does not serve is 404 all the same";
}

TEST_F(Fronts, OfADynamicWorkerAreItsFiles) {
    const auto topology = load(dynamic_worker("root: htdocs, serves: /static/, listing: on"));
    ASSERT_TRUE(topology) << format_problems(topology.error());
    const auto files = files_of(topology->workers[0]);
    EXPECT_EQ(files.root, path("htdocs"));
    EXPECT_TRUE(files.listing);
}

} // namespace
} // namespace mpsup::topology
