#include "worker/link_check/page_client.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace mpsup::link_check {
namespace {

using namespace std::chrono_literals;

// Answers one connection with these bytes, and keeps what it was asked.
class OneAnswer {
public:
    explicit OneAnswer(std::string answer, bool hangs = false)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in name{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        socklen_t size = sizeof name;
        auto* const any = reinterpret_cast<sockaddr*>(&name);
        EXPECT_EQ(::bind(socket_.get(), any, size), 0);
        EXPECT_EQ(::listen(socket_.get(), 1), 0);
        EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
        address_ = {"127.0.0.1", ntohs(name.sin_port)};
        thread_ = std::thread([this, answer = std::move(answer), hangs] {
            const Fd client(::accept(socket_.get(), nullptr, nullptr));
            char bytes[4096];
            while (!asked_.contains("\r\n\r\n")) {
                const ssize_t got = ::read(client.get(), bytes, sizeof bytes);
                if (got <= 0) return;
                asked_.append(bytes, static_cast<std::size_t>(got));
            }
            (void)!::write(client.get(), answer.data(), answer.size());
            while (hangs && ::read(client.get(), bytes, sizeof bytes) > 0) {
            }
        });
    }
    ~OneAnswer() { join(); }

    void join() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] const std::string& asked() const { return asked_; } // after join()

private:
    Fd socket_;
    Address address_;
    std::string asked_;
    std::thread thread_;
};

Result<PageReply> get(const Address& address, std::size_t most = 1000, std::chrono::milliseconds patience = 10s) {
    PageClient client;
    return client.get({.address = address, .authority = "shop.example:80", .target = "/a?b"}, most,
                      http::Clock::now() + patience);
}

TEST(PageClient, ReadsAWholeReply) {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nhello");
    const auto reply = get(server.address());
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(reply->find("set-cookie"), "a");
    EXPECT_EQ(reply->fields.size(), 3U);
    EXPECT_FALSE(reply->is_cut);
    server.join();
    EXPECT_TRUE(server.asked().starts_with("GET /a?b HTTP/1.1\r\nHost: shop.example:80\r\n")) << server.asked();
}

TEST(PageClient, KnowsEveryEndOfAReply) {
    OneAnswer chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_EQ(get(chunked.address())->body, "abcde");
    OneAnswer until_close("HTTP/1.0 404 None\r\n\r\nnone");
    EXPECT_EQ(get(until_close.address())->body, "none");
    OneAnswer empty("HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(get(empty.address())->status, 204);
}

TEST(PageClient, ReadsNoMoreThanIsWanted) {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x'));
    const auto reply = get(server.address(), 20);
    EXPECT_EQ(reply->body.size(), 20U);
    EXPECT_TRUE(reply->is_cut);
    OneAnswer fitting("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + std::string(20, 'x'));
    EXPECT_FALSE(get(fitting.address(), 20)->is_cut);
}

TEST(PageClient, SaysWhyThereIsNoReply) {
    OneAnswer garbage("SSH-2.0-OpenSSH\r\n\r\n");
    EXPECT_TRUE(get(garbage.address()).error().to_string().starts_with("no good reply"));
    OneAnswer cut("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx");
    EXPECT_FALSE(get(cut.address()));
    OneAnswer silent("", true);
    EXPECT_EQ(get(silent.address(), 1000, 50ms).error().what, "no answer in time");
    Address gone;
    {
        OneAnswer ended("");
        gone = ended.address();
        EXPECT_FALSE(get(gone));
    }
    EXPECT_EQ(get(gone).error().code, std::errc::connection_refused);
}

} // namespace
} // namespace mpsup::link_check
