#include "worker/http/proxy_protocol.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string second(char command, char family, std::string_view rest) {
    std::string text(signature);
    text += {command, family, static_cast<char>(rest.size() >> 8U), static_cast<char>(rest.size() & 0xffU)};
    return text.append(rest);
}

std::string v4() {
    return second(0x21, 0x11, std::string_view("\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb", 12));
}

Status status(std::string_view bytes) { return parse_proxy_header(bytes).status; }

TEST(ProxyProtocol, ReadsVersion1) {
    const auto header = parse_proxy_header("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET /");
    EXPECT_EQ(header.status, Status::complete);
    EXPECT_EQ(header.size, 42U);
    EXPECT_TRUE(header.told);
    EXPECT_EQ(header.address, "192.0.2.1");
    EXPECT_EQ(header.port, 56324);
    EXPECT_EQ(header.local_address, "192.0.2.2");
    EXPECT_EQ(header.local_port, 443);
    EXPECT_EQ(parse_proxy_header("PROXY TCP6 2001:DB8:0:0::1 ::1 1 65535\r\n").address, "2001:db8::1");
}

TEST(ProxyProtocol, ReadsVersion2) {
    const auto header = parse_proxy_header(v4() + "GET /");
    EXPECT_EQ(header.status, Status::complete);
    EXPECT_EQ(header.size, 28U);
    EXPECT_EQ(header.address, "192.0.2.1");
    EXPECT_EQ(header.port, 56324);
    EXPECT_EQ(header.local_port, 443);
    const std::string v6 = std::string("\x20\x01\x0d\xb8") + std::string(11, '\0') + "\1" + std::string(15, '\0') +
                           std::string("\1\x04\xd2\x01\xbb", 5);
    EXPECT_EQ(parse_proxy_header(second(0x21, 0x21, v6)).address, "2001:db8::1");
    EXPECT_EQ(parse_proxy_header(second(0x21, 0x21, v6)).port, 1234);
}

TEST(ProxyProtocol, PassesOverWhatFollowsTheAddresses) {
    std::string longer = v4();
    longer[15] = static_cast<char>(12 + 7);
    longer += std::string("\x04\x00\x04????", 7);
    EXPECT_EQ(parse_proxy_header(longer).status, Status::complete);
    EXPECT_EQ(parse_proxy_header(longer).size, 35U);
    EXPECT_EQ(parse_proxy_header(longer).address, "192.0.2.1");
}

TEST(ProxyProtocol, LeavesTheConnectionSpeakForItselfWhereNothingIsTold) {
    for (const std::string& bytes :
         {std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN ffff::1 x y z\r\n"), second(0x20, 0x00, ""),
          second(0x20, 0x11, "short"), second(0x21, 0x00, "abc"), second(0x21, 0x31, std::string(216, 'u'))}) {
        EXPECT_EQ(status(bytes), Status::complete) << bytes;
        EXPECT_FALSE(parse_proxy_header(bytes).told);
    }
}

TEST(ProxyProtocol, WaitsForTheWholeHowEverItIsCut) {
    const std::string first = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
    for (const std::string& whole : {first, v4()})
        for (std::size_t size = 0; size < whole.size(); ++size)
            EXPECT_EQ(status(std::string_view(whole).substr(0, size)), Status::incomplete) << size;
}

TEST(ProxyProtocol, RefusesWhatIsNotAllowed) {
    for (const std::string_view bytes :
         {"GET / HTTP/1.1\r\n", "PROXY\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 \r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 56324 443\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n", "PROXY TCP4 192.0.2.256 192.0.2.2 56324 443\r\n",
          "PROXY TCP4 ::1 192.0.2.2 56324 443\r\n", "PROXY TCP6 192.0.2.1 ::1 56324 443\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 443\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.2 01 443\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n", "PROXY UNKNOWNX\r\n",
          "proxy UNKNOWN\r\n"})
        EXPECT_EQ(status(bytes), Status::bad) << bytes;
    EXPECT_EQ(status("PROXY UNKNOWN " + std::string(200, 'x')), Status::bad) << "107 bytes are the most";
    EXPECT_EQ(status(second(0x11, 0x11, std::string(12, 'x'))), Status::bad) << "version 1 in binary";
    EXPECT_EQ(status(second(0x22, 0x11, std::string(12, 'x'))), Status::bad) << "no such command";
    EXPECT_EQ(status(second(0x21, 0x12, std::string(12, 'x'))), Status::bad) << "UDP";
    EXPECT_EQ(status(second(0x21, 0x11, "short")), Status::bad);
    EXPECT_EQ(status(second(0x21, 0x21, std::string(35, 'x'))), Status::bad);
    std::string huge(signature);
    huge += std::string("\x21\x11\xff\xff", 4);
    EXPECT_EQ(status(huge), Status::bad) << "not even waited for";
    EXPECT_EQ(status("\r\n\r\nQUIT"), Status::bad);
}

} // namespace
} // namespace mpsup::http
