// The answers are those of etcd 3.4.23, word for word.
#include "supervisor/cluster/etcd_messages.h"

#include <gtest/gtest.h>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;

const std::string header =
    R"("header":{"cluster_id":"14324952591200643719","member_id":"3319814642761637952","revision":"3","raft_term":"2"})";
constexpr EtcdHeader known{14324952591200643719U, 3};

TEST(EtcdMessages, AskForKeys) {
    EXPECT_EQ(to_json(Get{{"/a/b"}}), R"({"key":"L2EvYg=="})");
    EXPECT_EQ(to_json(Get{KeyRange::prefix("/a/"), 7, 2}),
              R"({"key":"L2Ev","range_end":"L2Ew","revision":"7","limit":"2"})");
}

TEST(EtcdMessages, KnowWhereAPrefixEnds) {
    EXPECT_EQ(KeyRange::prefix("a"), (KeyRange{"a", "b"}));
    EXPECT_EQ(KeyRange::prefix("a\xff"), (KeyRange{"a\xff", "b"}));
    const std::string nul(1, '\0');
    EXPECT_EQ(KeyRange::prefix("\xff"), (KeyRange{"\xff", nul})) << "to the end of all keys";
    EXPECT_EQ(KeyRange::prefix(""), (KeyRange{nul, nul})) << "everything";
}

TEST(EtcdMessages, ReadKeys) {
    const auto reply =
        read_get("{" + header + R"(,"kvs":[{"key":"L2EvYg==","create_revision":"2","mod_revision":"3",)" +
                 R"("version":"1","value":"L2EvYg==","lease":"7587"},{"key":"YQ==","mod_revision":"2"}],"count":"2"})");
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_EQ(reply->header, known);
    ASSERT_EQ(reply->found.size(), 2U);
    EXPECT_EQ(reply->found[0], (KeyValue{"/a/b", "/a/b", 2, 3, 7587}));
    EXPECT_EQ(reply->found[1], (KeyValue{"a", "", 0, 2, 0})) << "what is empty is left out";
    EXPECT_FALSE(reply->more);
    const auto none = read_get("{" + header + "}");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->found.empty());
}

TEST(EtcdMessages, AskForTransactions) {
    const Transaction transaction{
        {{"k", 5}, {"new", 0}}, {Put{"k", "v", 9}, Get{{"k"}}}, {Delete{KeyRange::prefix("k")}}};
    EXPECT_EQ(
        to_json(transaction),
        R"({"compare":[{"target":"MOD","result":"EQUAL","key":"aw==","mod_revision":"5"},)"
        R"({"target":"MOD","result":"EQUAL","key":"bmV3","mod_revision":"0"}],)"
        R"("success":[{"request_put":{"key":"aw==","value":"dg==","lease":"9"}},{"request_range":{"key":"aw=="}}],)"
        R"("failure":[{"request_delete_range":{"key":"aw==","range_end":"bA=="}}]})");
}

TEST(EtcdMessages, ReadTransactions) {
    const auto reply = read_transaction(
        "{" + header + R"(,"succeeded":true,"responses":[{"response_put":{"header":{"revision":"3"}}},)" +
        R"({"response_range":{"header":{"revision":"3"},"kvs":[{"key":"L2EvYg==","create_revision":"2","mod_revision":"3",)" +
        R"("version":"2"}],"count":"1"}},{"response_delete_range":{"header":{"revision":"3"}}}]})");
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_TRUE(reply->succeeded);
    ASSERT_EQ(reply->results.size(), 3U);
    EXPECT_TRUE(reply->results[0].found.empty());
    EXPECT_EQ(reply->results[1].found.at(0), (KeyValue{"/a/b", "", 2, 3, 0}));
    const auto failed = read_transaction("{" + header + "}");
    ASSERT_TRUE(failed);
    EXPECT_FALSE(failed->succeeded);
}

TEST(EtcdMessages, GrantAndKeepLeases) {
    EXPECT_EQ(lease_grant(10s), R"({"TTL":"10"})");
    EXPECT_EQ(lease_named(7587), R"({"ID":"7587"})");
    const auto granted = read_lease("{" + header + R"(,"ID":"2324035727765694473","TTL":"10"})");
    ASSERT_TRUE(granted) << granted.error().to_string();
    EXPECT_EQ(granted->lease, 2324035727765694473);
    EXPECT_EQ(granted->left, 10s);
    const auto gone = read_kept_alive(R"({"result":{)" + header + R"(,"ID":"123"}})");
    ASSERT_TRUE(gone) << gone.error().to_string();
    EXPECT_EQ(gone->left, 0s) << "there is none of that name";
    EXPECT_FALSE(read_lease("{" + header + R"(,"TTL":"10"})"));
    EXPECT_EQ(read_lease("{" + header + R"(,"ID":"1","TTL":2147483647})")->left, 2147483647s);
    for (const char* const bad : {"2147483648", "\"2147483648\"", "4294967297", "9223372036854775807", "-1", "1e3"})
        EXPECT_FALSE(read_lease("{" + header + R"(,"ID":"1","TTL":)" + bad + "}")) << bad;
}

TEST(EtcdMessages, ReadWhatIsWatched) {
    EXPECT_EQ(watch_request({"a", "b"}, 2),
              R"({"create_request":{"key":"YQ==","range_end":"Yg==","start_revision":"2","progress_notify":true}})");
    const auto made = read_watch(R"({"result":{)" + header + R"(,"created":true}})");
    ASSERT_TRUE(made) << made.error().to_string();
    EXPECT_TRUE(made->changes.empty());
    const auto news = read_watch(
        R"({"result":{)" + header +
        R"(,"events":[{"kv":{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"Yg=="}},)" +
        R"({"type":"DELETE","kv":{"key":"YQ==","mod_revision":"3"}}]}})");
    ASSERT_TRUE(news) << news.error().to_string();
    ASSERT_EQ(news->changes.size(), 2U);
    EXPECT_FALSE(news->changes[0].deleted);
    EXPECT_EQ(news->changes[0].now, (KeyValue{"a", "b", 2, 2, 0}));
    EXPECT_TRUE(news->changes[1].deleted);
    EXPECT_EQ(news->changes[1].now.modified, 3);
    const auto over = read_watch(R"({"result":{)" + header + R"(,"canceled":true,"compact_revision":"3"}})");
    ASSERT_TRUE(over);
    EXPECT_TRUE(over->over);
    EXPECT_EQ(over->compacted, 3);
}

TEST(EtcdMessages, SayWhyEtcdRefuses) {
    const auto refused = read_get(
        R"({"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EtcdCode::not_found);
    EXPECT_EQ(refused.error().to_string(), "etcd: etcdserver: requested lease not found: not found");
    const auto stream = read_watch(
        R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable"}})");
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, EtcdCode::unavailable);
    EXPECT_EQ(read_refusal(400, R"({"error":"etcdserver: mvcc: required revision has been compacted","code":11})").code,
              EtcdCode::out_of_range);
    EXPECT_EQ(read_refusal(404, "Not Found\n").to_string(), "etcd answers with HTTP status 404: Not Found");
}

TEST(EtcdMessages, TakeNothingThatIsNoAnswer) {
    const std::string bad[] = {
        "",
        "[]",
        "{",
        "{}",
        R"({"header":{}})",
        R"({"header":{"cluster_id":"0"}})",
        R"({"header":{"cluster_id":"-1"}})",
        R"({"header":{"cluster_id":"99999999999999999999"}})",
        R"({"header":{"cluster_id":"1","revision":"9223372036854775808"}})",
        R"({"header":{"cluster_id":"1","revision":"-5"}})",
        R"({"header":{"cluster_id":"1","revision":1.5}})",
        "{" + header + R"(,"kvs":{}})",
        "{" + header + R"(,"kvs":[1]})",
        "{" + header + R"(,"kvs":[{"key":"*","mod_revision":"1"}]})",
        "{" + header + R"(,"kvs":[{"key":"YQ=="}]})",
        "{" + header + R"(,"more":"yes"})",
        "{" + header + "} {}",
        std::string(1000, '['),
    };
    for (const std::string& text : bad) EXPECT_FALSE(read_get(text)) << text;
    EXPECT_EQ(read_get("{" + header + R"(,"more":"yes"})").error().to_string(),
              R"(etcd: the answer to range has a missing or bad "more")");
    EXPECT_FALSE(read_watch("{" + header + "}")) << "no result";
    EXPECT_FALSE(read_watch(R"({"result":{)" + header +
                            R"(,"events":[{"type":"MOVE","kv":{"key":"YQ==","mod_revision":"3"}}]}})"));
    EXPECT_FALSE(read_token(R"({"token":"a\r\nb"})"));
    EXPECT_EQ(read_token(R"({"token":"abc.1"})"), "abc.1");
}

} // namespace
} // namespace mpsup::cluster
