#include "supervisor/transport/http_answer.h"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t block = 65536;
constexpr std::uint32_t head_limit = 16 * 1024;
constexpr std::size_t most_unread = 128 * 1024; // a line between two chunks is not that long

} // namespace

struct HttpAnswer::Parts {
    explicit Parts(Channel& to_read) : channel(to_read) {
        parser.header_limit(head_limit);
        parser.body_limit(boost::none); // whoever keeps the pieces counts them
    }

    // Lets the parser have what came. True: it wants more of that.
    Result<bool> parse() {
        error_code error;
        const std::size_t used = parser.put(asio::buffer(unread), error);
        unread.erase(0, used);
        if (error == http::error::need_more) {
            if (unread.size() < most_unread) return true;
            return wrong(http::error::buffer_overflow);
        }
        if (error == http::error::need_buffer) error = {};
        if (error) return wrong(error);
        return used == 0;
    }
    static std::unexpected<Error> wrong(const error_code& error) {
        return std::unexpected(Error{"read the answer", std::error_code(error)});
    }

    // More bytes; without any the answer ends here, if it may.
    asio::awaitable<Result<>> receive(Channel::Deadline deadline) {
        const std::size_t kept = unread.size();
        unread.resize(kept + block);
        const auto got = co_await channel.read(std::span(unread).subspan(kept), deadline);
        unread.resize(kept + got.value_or(0));
        if (!got) co_return std::unexpected(got.error());
        if (*got > 0) co_return Result<>();
        error_code error = parser.got_some() ? error_code() : http::error::end_of_stream;
        if (!error) parser.put_eof(error);
        if (error) co_return wrong(error);
        co_return Result<>();
    }

    Channel& channel;
    http::response_parser<http::buffer_body> parser{};
    std::string unread{};
};

HttpAnswer::HttpAnswer(Channel& channel) : parts_(std::make_unique<Parts>(channel)) {}
HttpAnswer::~HttpAnswer() = default;

asio::awaitable<Result<unsigned>> HttpAnswer::head(Channel::Deadline deadline) {
    Parts& parts = *parts_;
    while (!parts.parser.is_header_done()) {
        const auto received = co_await parts.receive(deadline);
        if (!received) co_return std::unexpected(received.error());
        const auto parsed = parts.parse();
        if (!parsed) co_return std::unexpected(parsed.error());
    }
    parts.parser.eager(true);
    co_return parts.parser.get().result_int();
}

asio::awaitable<Result<std::string>> HttpAnswer::piece(Channel::Deadline deadline) {
    Parts& parts = *parts_;
    std::string text(block, '\0');
    auto& body = parts.parser.get().body();
    body = {text.data(), text.size(), true};
    while (!parts.parser.is_done()) {
        const auto wants_more = parts.unread.empty() ? Result<bool>(true) : parts.parse();
        if (!wants_more) co_return std::unexpected(wants_more.error());
        if (body.size < text.size()) break;
        if (!*wants_more) continue;
        const auto received = co_await parts.receive(deadline);
        if (!received) co_return std::unexpected(received.error());
    }
    text.resize(text.size() - body.size);
    co_return text;
}

asio::awaitable<Result<std::string>> HttpAnswer::rest(std::size_t limit, Channel::Deadline deadline) {
    std::string all;
    for (;;) {
        const auto some = co_await piece(deadline);
        if (!some) co_return some;
        if (some->empty()) co_return all;
        if (some->size() > limit - all.size()) co_return Parts::wrong(http::error::body_limit);
        all += *some;
    }
}

bool HttpAnswer::leaves_channel_open() const {
    return parts_->parser.is_done() && parts_->unread.empty() && parts_->parser.keep_alive();
}

} // namespace mpsup
