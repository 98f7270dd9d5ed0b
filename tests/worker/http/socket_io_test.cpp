#include "worker/http/socket_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

namespace mpsup::http {
namespace {

class Pair : public testing::Test {
protected:
    Pair() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
        here.reset(ends[0]);
        there.reset(ends[1]);
    }
    std::string arrived() {
        std::array<char, 256> block{};
        const ssize_t count = ::recv(there.get(), block.data(), block.size(), 0);
        return {block.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }
    static Fd file(std::string_view content) {
        std::string pattern = "/tmp/mpsup-io-XXXXXX";
        Fd made(::mkostemp(pattern.data(), O_CLOEXEC));
        ::unlink(pattern.c_str());
        EXPECT_EQ(::write(made.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
        return made;
    }
    Fd here, there;
};

TEST_F(Pair, SendsBothTextsAtOnce) {
    const IoResult result = send_texts(here.get(), "head ", "content", false);
    EXPECT_EQ(result.status, IoStatus::progress);
    EXPECT_EQ(result.count, 12U);
    EXPECT_EQ(arrived(), "head content");
}

TEST_F(Pair, SaysWhenTheClientDoesNotRead) {
    const std::string block(65536, 'x');
    IoResult result{IoStatus::progress, 0};
    for (int i = 0; i < 1000 && result.status == IoStatus::progress; ++i)
        result = send_texts(here.get(), block, {}, false);
    EXPECT_EQ(result.status, IoStatus::blocked);
    const Fd content = file("abc");
    off_t offset = 0;
    EXPECT_EQ(send_file_part(here.get(), content.get(), offset, 3).status, IoStatus::blocked);
    EXPECT_EQ(offset, 0);
}

TEST_F(Pair, SaysWhenTheClientIsGone) {
    there.reset();
    EXPECT_EQ(send_texts(here.get(), "x", {}, false).status, IoStatus::failed);
}

TEST_F(Pair, SendsPartsOfAFileAndNoticesItsEnd) {
    const Fd content = file("0123456789");
    off_t offset = 2;
    EXPECT_EQ(send_file_part(here.get(), content.get(), offset, 5).count, 5U);
    EXPECT_EQ(arrived(), "23456");
    EXPECT_EQ(offset, 7);
    EXPECT_EQ(send_file_part(here.get(), content.get(), offset, 100).count, 3U);
    EXPECT_EQ(send_file_part(here.get(), content.get(), offset, 100).status, IoStatus::ended);
}

TEST_F(Pair, ReadsPartsOfAFile) {
    const Fd content = file("0123456789");
    std::string text;
    EXPECT_TRUE(read_part(content.get(), 2, 3, text));
    EXPECT_EQ(text, "234");
    EXPECT_FALSE(read_part(content.get(), 8, 3, text));
    EXPECT_EQ(text, "89");
    EXPECT_FALSE(read_part(-1, 0, 1, text));
}

TEST_F(Pair, AcceptsNothingWhereNothingListens) {
    const Accepted accepted = accept_connection(here.get());
    EXPECT_FALSE(accepted.socket);
    EXPECT_EQ(accepted.error, EINVAL);
    EXPECT_FALSE(out_of_resources(EINVAL));
    EXPECT_TRUE(out_of_resources(EMFILE));
}

TEST(RemoteText, IsTheAddressAlone) {
    sockaddr_storage storage{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(0x7f000001);
    EXPECT_EQ(remote_text(storage), "127.0.0.1");
    storage = {};
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_addr = in6addr_loopback;
    EXPECT_EQ(remote_text(storage), "::1");
    storage = {};
    storage.ss_family = AF_UNIX;
    EXPECT_EQ(remote_text(storage), "");
}

} // namespace
} // namespace mpsup::http
