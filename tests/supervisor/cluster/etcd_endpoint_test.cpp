#include "supervisor/cluster/etcd_endpoint.h"

#include <gtest/gtest.h>

namespace mpsup::cluster {
namespace {

TEST(EtcdEndpoint, IsReadFromAListOfUrls) {
    const auto endpoints =
        read_endpoints("http://10.0.0.1:23790,https://etcd-1.example/,http://[::1]:7,https://[fe80::1]");
    ASSERT_TRUE(endpoints) << endpoints.error().to_string();
    const std::vector<EtcdEndpoint> expected{
        {false, "10.0.0.1", 23790}, {true, "etcd-1.example", 2379}, {false, "::1", 7}, {true, "fe80::1", 2379}};
    EXPECT_EQ(*endpoints, expected);
    EXPECT_EQ(endpoints->at(1).url(), "https://etcd-1.example:2379");
    EXPECT_EQ(endpoints->at(2).authority(), "[::1]:7");
}

TEST(EtcdEndpoint, RefusesWhatIsNone) {
    for (const char* text :
         {"", "10.0.0.1:2379", "ftp://a", "http://", "http://a:", "http://a:0", "http://a:65536", "http://a:1x",
          "http://a/b", "http://a b", "http://a\r\nX:1", "http://[::1", "http://[a]:1", "http://::1:2379", "http://a,",
          ",http://a", "http://u:p@a:1", "http://a?b"})
        EXPECT_FALSE(read_endpoints(text)) << text;
    EXPECT_EQ(read_endpoints("http://a,x").error().what, "`x` is no URL of an etcd, such as http://10.0.0.1:2379");
    EXPECT_EQ(read_endpoints("http://a,http://a:2379").error().what, "`http://a:2379` is there twice");
}

} // namespace
} // namespace mpsup::cluster
