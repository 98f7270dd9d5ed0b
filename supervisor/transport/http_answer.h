// The answer to an HTTP request, as it comes over a channel.
#pragma once

#include "base/error.h"
#include "supervisor/transport/channel.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace mpsup {

/// One answer of HTTP/1.1 (RFC 9112), with a length, in chunks or up to the end of the connection. Its head may have
/// 16 KiB. `channel` outlives it. An error leaves nothing that can be read further.
class HttpAnswer {
public:
    explicit HttpAnswer(Channel& channel);
    ~HttpAnswer();
    HttpAnswer(const HttpAnswer&) = delete;
    HttpAnswer& operator=(const HttpAnswer&) = delete;

    /// The status.
    [[nodiscard]] boost::asio::awaitable<Result<unsigned>> head(Channel::Deadline deadline);
    /// After the head: some more of the body as soon as there is any; empty: that was all of it.
    [[nodiscard]] boost::asio::awaitable<Result<std::string>> piece(Channel::Deadline deadline);
    /// After the head: all of the body, which may have so many bytes.
    [[nodiscard]] boost::asio::awaitable<Result<std::string>> rest(std::size_t limit, Channel::Deadline deadline);
    /// It is read to its end, nothing came behind it, and the connection stays.
    [[nodiscard]] bool leaves_channel_open() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace mpsup
