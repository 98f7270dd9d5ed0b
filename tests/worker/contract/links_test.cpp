#include "worker/contract/links.h"

#include "worker/contract/messages.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

Links two_servers() {
    return {Links::Mode::rewrite,
            {{"http://127.0.0.1:8080", {"/static/", "/caf\xc3\xa9"}}, {"https://www.example.org", {}}},
            1};
}

Result<Message> go_with(const std::string& links) {
    std::string packet = encode(Go{});
    const std::string plain = R"("links":{})";
    return decode(packet.replace(packet.find(plain), plain.size(), links));
}

TEST(Links, TravelWithGo) {
    Go go;
    go.links = two_servers();
    go.links.servers[0].any_host = true;
    const auto message = decode(encode(go));
    ASSERT_TRUE(message) << message.error().to_string();
    EXPECT_EQ(std::get<Go>(*message).links, go.links);
    EXPECT_EQ(encoded_size(Links{}), 2U);
    EXPECT_GT(encoded_size(go.links), 80U);
}

TEST(Links, AreOffWhereNothingIsSaid) {
    std::string packet = encode(Go{});
    const std::string said = R"("links":{},)";
    const auto message = decode(packet.erase(packet.find(said), said.size()));
    ASSERT_TRUE(message) << message.error().to_string();
    EXPECT_EQ(std::get<Go>(*message).links, Links{});
}

TEST(Links, OfAnotherShapeAreRefusedByName) {
    const std::string server = R"({"url":"http://a"})";
    const auto refused = [](const std::string& links, const std::string& key) {
        const auto message = go_with("\"links\":" + links);
        ASSERT_FALSE(message) << links;
        EXPECT_NE(message.error().to_string().find("\"" + key + "\""), std::string::npos)
            << links << ": " << message.error().to_string();
    };
    EXPECT_TRUE(go_with(R"("links":{"mode":"redirect","servers":[)" + server + "," + server + R"(],"own":1})"));
    refused("[]", "links");
    refused(R"({"mode":"on"})", "mode");
    refused(R"({"mode":"redirect"})", "servers");
    refused(R"({"servers":[)" + server + "]}", "servers");
    refused(R"({"own":1})", "own");
    refused(R"({"mode":"rewrite","servers":[)" + server + R"(],"own":1})", "own");
    refused(R"({"mode":"rewrite","servers":[)" + server + R"(],"own":-1})", "own");
    refused(R"({"mode":"rewrite","servers":[{}]})", "url");
    refused(R"({"mode":"rewrite","servers":[{"url":"http://a/"}]})", "url");
    refused(R"({"mode":"rewrite","servers":[{"url":"http://A:80"}]})", "url");
    refused(R"({"mode":"rewrite","servers":[{"url":"http://a","serves":["x"]}]})", "serves");
    refused(R"({"mode":"rewrite","servers":[{"url":"http://a","serves":"/"}]})", "serves");
    refused(R"({"mode":"rewrite","servers":[{"url":"http://a","port":1}]})", "servers");
    refused(R"({"more":1})", "links");
}

} // namespace
} // namespace mpsup::contract
