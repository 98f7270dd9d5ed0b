// The supervisor's end of one contract connection.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/contract/messages.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mpsup {

/// Owns the socket. One event loop. What the worker writes is untrusted.
class ContractLink : public std::enable_shared_from_this<ContractLink> {
public:
    struct Listener {
        std::function<void(contract::Message, std::vector<Fd>)> on_message;
        /// It said something that cannot be understood; nothing more is read.
        std::function<void(const std::string& why)> on_nonsense;
    };

    ContractLink(const boost::asio::any_io_executor& executor, Fd socket);

    /// Reads until the end of the stream, nonsense, or close(). Called once.
    void listen(Listener listener);
    /// Hands on what has arrived already, without waiting for the loop's turn: a process that ended has said its last.
    void read_now();
    /// Never waits. EAGAIN: the worker has not read for very long.
    [[nodiscard]] Result<> send(const contract::Message& message, std::span<const int> fds = {});
    /// The worker hung up, or said nonsense: nothing more is heard of it here.
    [[nodiscard]] bool has_ended() const { return has_ended_; }
    /// Forgets its listener and hangs up.
    void close();

private:
    boost::asio::awaitable<void> read_loop();
    /// False: nothing more will come.
    bool take_packet();
    /// All that has arrived, up to a number: others have their turn. False as above.
    bool take_packets();

    boost::asio::posix::stream_descriptor socket_;
    Listener listener_;
    bool has_ended_ = false;
};

} // namespace mpsup
