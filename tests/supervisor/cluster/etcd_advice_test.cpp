#include "supervisor/cluster/etcd_advice.h"

#include "supervisor/cluster/etcd_messages.h"

#include <gtest/gtest.h>

namespace mpsup::cluster {
namespace {

std::string advice(std::string_view problem) { return etcd_advice(problem, "/mpsup/shop/"); }

TEST(EtcdAdvice, NamesTheRemedyOfWhatEtcdSaysInItsOwnWords) {
    EXPECT_TRUE(advice("http://10.0.0.5:2379: etcdserver: user name is empty").contains("--cluster-user"));
    EXPECT_TRUE(advice("etcd: etcdserver: permission denied").ends_with("--prefix /mpsup/shop/"));
    EXPECT_TRUE(advice("http://10.0.0.5:2380: etcd answers with HTTP status 405").contains("port 2379"));
    EXPECT_TRUE(advice("http://10.0.0.5:2379: etcd answers with HTTP status 400").contains("https://"));
    const std::string full = advice("http://10.0.0.5:2379: etcd: etcdserver: mvcc: database space exceeded");
    for (const char* step :
         {"etcdctl compact", "etcdctl defrag", "etcdctl alarm disarm", "--auto-compaction-retention"})
        EXPECT_TRUE(full.contains(step)) << step;
    for (const char* problem :
         {"http://a:2379: read: Connection reset by peer", "http://a:2379: read: end of stream"}) {
        EXPECT_TRUE(advice(problem).contains("https://"));
        EXPECT_TRUE(advice(problem).contains("stopped")) << "which looks the same";
    }
    const std::string plain =
        advice("http://b:2379: connect: timed out; https://a:2379: receive: Connection reset by peer");
    EXPECT_TRUE(plain.contains("does not speak TLS (http:// in --cluster)")) << plain;
    EXPECT_TRUE(
        advice("http://a:2379: connect: Connection refused; http://b:2379: etcdserver: no leader").contains("quorum"));
    EXPECT_EQ(advice("password of etcd: others may reach it"), "");
    EXPECT_TRUE(advice("https://a:2379: TLS: certificate verify failed: certificate has expired").contains("renewed"));
    EXPECT_TRUE(advice("https://a:2379: etcd: authentication is not enabled").contains("leave --cluster-user out"));
}

TEST(EtcdAdvice, ARefusalOfAStreamHasItsReasonInside) {
    const Error refused = read_refusal(
        503,
        R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable"}})");
    EXPECT_EQ(refused.code, EtcdCode::unavailable);
    EXPECT_TRUE(refused.what.contains("no leader"));
    EXPECT_TRUE(read_refusal(500, R"({"error":{}})").what.contains("HTTP status 500"));
}

TEST(EtcdAdvice, ARefusalInPlainWordsHasThem) {
    const Error refused = read_refusal(400, "CommonName of client sending a request against gateway will be ignored\n");
    EXPECT_TRUE(refused.what.ends_with("400: CommonName of client sending a request against gateway will be ignored"));
    EXPECT_TRUE(advice(refused.what).contains("without one"));
    for (const char* page : {"<html>", "", "\n", "\x1b[2J"})
        EXPECT_EQ(read_refusal(502, page).what, "etcd answers with HTTP status 502");
}

} // namespace
} // namespace mpsup::cluster
