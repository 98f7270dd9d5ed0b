// Where worker processes say hello.
#pragma once

#include "base/fd.h"
#include "worker/contract/messages.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace mpsup {

/// Takes a connection over when it answers true; a refused one is hung up on. `fds` came with the hello.
using Greeter = std::function<bool(const contract::Hello& hello, std::vector<Fd> fds, Fd& connection)>;

/// Accepts on the contract socket; a connection has 10 s to say hello, and what it says of its pid must be what the
/// kernel says (SO_PEERCRED, unix(7)); it must be of our own user. One event loop.
class ContractServer {
public:
    ContractServer(const boost::asio::any_io_executor& executor, Fd listener, Greeter greeter);
    ~ContractServer();

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace mpsup
