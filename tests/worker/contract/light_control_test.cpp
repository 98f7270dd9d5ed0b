#include "worker/contract/light_control.h"

#include "worker/contract/messages.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

class FakeControl final : public LightControl {
public:
    std::vector<CachedObject> objects;
    Texts purged;
    bool maintenance = false;
    ExplainedRequest explained;

    Counts cache_stats() override { return {{"objects", 3}, {"bytes", 4096}}; }
    std::vector<CachedObject> cached(std::size_t limit) override {
        return {objects.begin(), objects.begin() + static_cast<std::ptrdiff_t>(std::min(limit, objects.size()))};
    }
    std::uint64_t purge_url(std::string_view url) override { return purged.emplace_back(url), 2; }
    std::uint64_t purge_tag(std::string_view tag) override { return purged.emplace_back(tag), 5; }
    Explanation explain(const ExplainedRequest& request) override {
        explained = request;
        return {"GET http://h/x", "miss", {}, {{"X-Forwarded-For", "127.0.0.1"}}, true, std::chrono::seconds(2), {}};
    }
    BackendReports backends() override {
        return {
            {1, "/api/", "10.0.0.1:80", "ejected", 3, 5, std::chrono::seconds(8), std::chrono::milliseconds(20), false},
            {.route = 2, .path = "h/", .address = "10.0.0.2:80", .state = "up"}};
    }
    void set_maintenance(bool on) override { maintenance = on; }
};

std::string asked(FakeControl& control, const Question& question) {
    return answer(&control, 7, encode_question(question));
}

TEST(LightControl, IsAskedWithWhatAnOperatorSaid) {
    FakeControl control;
    EXPECT_EQ(asked(control, {}), R"({"stats":{"objects":3,"bytes":4096}})");
    EXPECT_EQ(asked(control, {.what = Question::What::purge_urls, .texts = {"http://h/a", "http://h/b"}}),
              R"({"purged":4})");
    EXPECT_EQ(asked(control, {.what = Question::What::purge_tags, .texts = {"news"}}), R"({"purged":5})");
    EXPECT_EQ(control.purged, (Texts{"http://h/a", "http://h/b", "news"}));
    EXPECT_EQ(asked(control, {.what = Question::What::in_flight}), R"({"in_flight":7})");
    EXPECT_EQ(decode_in_flight(R"({"in_flight":7})").value(), 7U);
    for (const char* other : {R"({"in_flight":-1})", R"({"in_flight":"7"})", R"({"error":"x"})", "[]", "{"})
        EXPECT_FALSE(decode_in_flight(other)) << other;
    EXPECT_EQ(asked(control, {.what = Question::What::maintenance, .on = true}), R"({"maintenance":true})");
    EXPECT_TRUE(control.maintenance);
    EXPECT_EQ(asked(control, {.what = Question::What::backends}),
              R"({"backends":[{"route":1,"path":"/api/","address":"10.0.0.1:80","state":"ejected","in_flight":3,)"
              R"("failures":5,"left_ms":8000,"check":{"ago_ms":20,"passed":false}},)"
              R"({"route":2,"path":"h/","address":"10.0.0.2:80","state":"up","in_flight":0,"failures":0,"left_ms":0,)"
              R"("check":null}],"left_out":0})");
    const ExplainedRequest request{"POST", "https", "h:8443", "/x?y", {{"Accept", "a/b"}}, "10.1.1.1"};
    EXPECT_EQ(
        asked(control, {.what = Question::What::explain, .request = request}),
        R"({"explanation":{"cache_key":"GET http://h/x","cache_state":"miss","cached":[],)"
        R"("sent":[["X-Forwarded-For","127.0.0.1"]],"maintenance":true,"quarantined_for_ms":2000,"backends":[]}})");
    EXPECT_EQ(control.explained, request);
}

TEST(LightControl, WhoKeepsNothingSaysWhatHeHasInHand) {
    EXPECT_EQ(answer(nullptr, 3, encode_question({.what = Question::What::in_flight})), R"({"in_flight":3})");
    EXPECT_EQ(answer(nullptr, 3, encode_question({})), R"({"error":"this worker serves files: it has no cache"})");
}

TEST(LightControl, ListsWhatFitsIntoAnAnswerAndSaysHowMuchDoesNot) {
    FakeControl control;
    control.objects.assign(2, {.url = "http://h/a", .bytes = 7, .age = Seconds(1), .fresh_for = Seconds(-5)});
    EXPECT_NE(asked(control, {.what = Question::What::cache_list, .limit = 1}).find(R"("fresh_for_s":-5)"),
              std::string::npos);
    control.objects.assign(1000, {.url = "http://h/" + std::string(100, 'x')});
    const std::string text = asked(control, {.what = Question::What::cache_list, .limit = 1000});
    EXPECT_LE(text.size(), max_answer_bytes);
    EXPECT_EQ(text.find("\"left_out\":0"), std::string::npos);
    EXPECT_NE(text.find("\"left_out\":"), std::string::npos);
}

TEST(LightControl, SaysWhatIsWrongWithAQuestion) {
    FakeControl control;
    EXPECT_NE(answer(&control, 7, "no json").find("\"error\""), std::string::npos);
    EXPECT_NE(answer(&control, 7, R"({"what":"explode"})").find("what"), std::string::npos);
    EXPECT_NE(answer(&control, 7, R"({"what":"maintenance","strange":1})").find("\"error\""), std::string::npos);
    EXPECT_FALSE(control.maintenance);
}

} // namespace
} // namespace mpsup::contract
