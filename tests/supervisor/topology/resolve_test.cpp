#include "supervisor/topology/resolve.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

Topology two_workers() {
    Topology topology{.site = "s", .machines = {{"here", "127.0.0.1"}}};
    topology.workers.push_back(
        {.name = "docs", .listen = {{"127.0.0.1", 8080}}, .root = "/srv", .serves = {"/static/"}});
    topology.workers.push_back({.name = "perl",
                                .kind = Kind::dynamic,
                                .listen = {{"::1", 8081}, {"127.0.0.1", 8081}},
                                .env = {{"B", {"2"}}, {"A", {"ö\n\"\\"}}, {"S", {.secret_file = "/run/secrets/s"}}},
                                .app = "/srv/app.psgi",
                                .pool = {.size = 7},
                                .health = {.path = "/up"}});
    return topology;
}

TEST(ResolvedDocument, HoldsEveryDefaultInAFixedOrder) {
    EXPECT_EQ(
        to_document(two_workers()),
        R"({"version":1,"site":"s","binaries":"two","logs":{"size":"104857600B","age":"1d","keep":7},"machines":{"here":{"address":"127.0.0.1"}},"workers":{)"
        R"("docs":{"kind":"static","listen":["127.0.0.1:8080"],"root":"/srv","serves":["/static/"],"env":{},)"
        R"("health":{"every":"5s","timeout":"2s"},)"
        R"("restart":{"burst":5,"window":"30s","backoff":"1s","max":"1m"},)"
        R"("rolling":{"gate":{"passes":3,"min_healthy":"0ms","deadline":"30s"},"on_failure":"abort"},"stop":{"grace":"30s"}},)"
        R"("perl":{"kind":"dynamic","listen":["[::1]:8081","127.0.0.1:8081"],"app":"/srv/app.psgi",)"
        R"("env":{"A":"ö\n\"\\","B":"2","S":{"file":"/run/secrets/s"}},"mode":"deployment","pool":{"size":7},"reshare":"on","health":{"path":"/up","every":"5s","timeout":"2s"},)"
        R"("restart":{"burst":5,"window":"30s","backoff":"1s","max":"1m"},)"
        R"("rolling":{"surge":"100%","unavailable":"0","gate":{"passes":3,"min_healthy":"0ms","deadline":"30s"},)"
        R"("on_failure":"abort","keep":"30m"},"stop":{"grace":"30s"}}}})");
}

TEST(ResolvedDocument, HoldsHowMuchHistoryIsKeptWhenItIsNotTheDefault) {
    auto topology = two_workers();
    topology.history = {std::chrono::hours(3), std::chrono::minutes(90), 5 << 20};
    const auto document = to_document(topology);
    EXPECT_NE(document.find(R"("history":{"raw":"3h","minute":"90m","max":"5242880B"})"), std::string::npos)
        << document;
    EXPECT_EQ(from_document(document).value(), topology);
}

TEST(ResolvedDocument, ReadsBackAsTheSameTopology) {
    const auto document = to_document(two_workers());
    const auto parsed = from_document(document);
    ASSERT_TRUE(parsed) << parsed.error().to_string();
    EXPECT_EQ(*parsed, two_workers());
    EXPECT_EQ(to_document(*parsed), document);
}

TEST(ResolvedDocument, KeepsTheSectionsOfTheSite) {
    auto topology = two_workers();
    topology.logs = {4096, Duration(1'001), 3};
    const auto parsed = from_document(to_document(topology));
    ASSERT_TRUE(parsed) << parsed.error().to_string();
    EXPECT_EQ(*parsed, topology);
}

TEST(ResolvedDocument, KeepsTimesToTheMillisecond) {
    auto topology = two_workers();
    topology.workers[0].stop.grace = Duration(61'001);
    topology.workers[0].health.every = Duration(1'234);
    topology.workers[0].health.timeout = Duration(86'399);
    const auto parsed = from_document(to_document(topology));
    ASSERT_TRUE(parsed) << parsed.error().to_string();
    EXPECT_EQ(*parsed, topology);
}

TEST(ResolvedDocument, HasAKnownDigest) { // FIPS 180-4, and sha256sum(1) of the text
    EXPECT_EQ(digest_of(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest_of("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ResolvedDocument, IsNotTrusted) {
    const auto refusal = [](const std::string& document) {
        const auto parsed = from_document(document);
        return parsed ? "parsed" : parsed.error().to_string();
    };
    const auto changed = [](const std::string& from, const std::string& to) {
        auto document = to_document(two_workers());
        const auto at = document.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return document.replace(at, from.size(), to);
    };
    EXPECT_EQ(refusal(""), "topology document: not JSON: incomplete JSON");
    EXPECT_EQ(refusal("[]"), "topology document: not an object");
    EXPECT_EQ(refusal("{}"), "topology document: version: must be 1");
    EXPECT_EQ(refusal(changed("\"version\":1", "\"version\":0")), "topology document: version: must be 1");
    EXPECT_EQ(refusal(changed("\"version\":1", "\"version\":2")),
              "topology document: version 2, of a later mpsup: upgrade this one first");
    EXPECT_EQ(refusal(changed("\"version\":1", "\"version\":\"1\"")), "topology document: version: must be 1");
    EXPECT_EQ(refusal(to_document(two_workers()) + "x"), "topology document: not JSON: extra data");
    EXPECT_EQ(refusal(changed("\"size\":7", "\"size\":0")),
              "topology document: workers.perl.pool.size: `size` must be a whole number from 1 to 1000; found `0`");
    EXPECT_EQ(refusal(changed("\"size\":7", "\"size\":7.5")),
              "topology document: workers.perl.pool.size: `size` must be a whole number from 1 to 1000; found `7.5E0`");
    EXPECT_EQ(refusal(changed("\"pool\":{", "\"pol\":{")), "topology document: workers.perl.pol: unknown key `pol`");
    EXPECT_EQ(refusal(changed("/srv/app.psgi", "app.psgi")),
              "topology document: workers.perl.app: `app.psgi` is not an absolute path");
    EXPECT_EQ(refusal(changed("127.0.0.1:8080", "127.0.0.1:8081")),
              "topology document: workers.perl.listen: 127.0.0.1:8081 is taken by `docs` (127.0.0.1:8081)");
    EXPECT_EQ(refusal(changed("\"site\":\"s\",", "")), "topology document: site: the key `site` is missing");
    EXPECT_EQ(refusal(changed("\"kind\":\"static\",", "")),
              "topology document: workers.docs: `docs` has no `kind` (static, dynamic or accelerator)");
    EXPECT_EQ(refusal(R"({"version":1,"site":"s","workers":null})"), "topology document: workers: `workers` is empty");
    EXPECT_EQ(refusal(R"({"version":1,"x-a":)" + std::string(100'000, '[')), "topology document: not JSON: too deep");
    EXPECT_EQ(refusal(std::string(max_document_bytes + 1, ' ')), "topology document: larger than 4MiB");
}

TEST(ResolvedDocument, SurvivesEveryCutAndEveryFlippedByte) {
    const auto document = to_document(two_workers());
    for (std::size_t i = 0; i < document.size(); ++i) {
        EXPECT_FALSE(from_document(document.substr(0, i)));
        auto flipped = document;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        if (const auto parsed = from_document(flipped)) {
            EXPECT_TRUE(from_document(to_document(*parsed)));
        }
    }
}

class ResolvedFile : public SiteFolder {};

TEST_F(ResolvedFile, OfAFileLoadsAgainWithoutTheFiles) {
    const auto loaded = load(dynamic_worker("health: {path: /up}"));
    ASSERT_TRUE(loaded);
    const auto document = to_document(*loaded);
    std::filesystem::remove(path("app.psgi"));
    const auto parsed = from_document(document);
    ASSERT_TRUE(parsed) << parsed.error().to_string();
    EXPECT_EQ(*parsed, *loaded);
}

} // namespace
} // namespace mpsup::topology
