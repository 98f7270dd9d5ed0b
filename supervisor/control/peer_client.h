// Asking supervisors of other machines.
#pragma once

#include "base/error.h"
#include "supervisor/control/peer_trust.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mpsup {

struct PeerReply {
    std::string machine;
    std::string body;
    std::string why; // it did not answer; empty: it did
};

struct PeerManner {
    const PeerTrust& trust; // outlives what is asked
    std::string from{};     // the IP address to come from, by which they know us; empty: the kernel's choice
    std::chrono::milliseconds patience{
        2000}; // for a whole answer; of a stream for its head, and for each line after another
};

/// GET `path` of all of them at once, whole answers of 200 and at most 16 MiB, in the order of `peers`. Takes no
/// longer than the patience. Never throws. One event loop.
[[nodiscard]] boost::asio::awaitable<std::vector<PeerReply>> ask_peers(std::vector<Peer> peers, std::string path,
                                                                       PeerManner manner);

/// Takes a line of a stream; an empty one says that there was nothing to say for a while. False: no more is wanted.
using OnPeerLine = std::function<boost::asio::awaitable<bool>(std::string line)>;

/// GET `path` of one, line by line (at most 8 MiB each), until the stream ends. An error says why it did not answer,
/// or not to the end. Never throws, but what `on_line` throws.
[[nodiscard]] boost::asio::awaitable<Result<>> read_peer(Peer peer, std::string path, PeerManner manner,
                                                         OnPeerLine on_line);

} // namespace mpsup
