// A pool without a supervisor, for a program that has Perl and the application already.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/perl/engine.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace mpsup::plack {

struct Options {
    int workers = 5;
    std::uint64_t max_requests = 0;            // after which a child is replaced, give or take a fifth; 0: never
    std::chrono::milliseconds keepalive{1000}; // for the next request on a connection
    std::chrono::milliseconds timeout{5000};   // for a head to arrive, and for a body to go on
    std::chrono::milliseconds grace{30'000};   // to finish what runs when told to end
};

/// A listening socket at "127.0.0.1:5000" or "[::1]:5000".
[[nodiscard]] Result<Fd> listen_at(const std::string& address);
/// A listening unix socket for everybody. A file that nobody listens at is replaced; EADDRINUSE where somebody does.
[[nodiscard]] Result<Fd> listen_at_path(const std::string& path);
/// A descriptor of our own for a socket that listens already and stays the caller's.
[[nodiscard]] Result<Fd> share_listener(int fd);

/// Forks the pool and keeps it until SIGTERM, SIGINT or SIGQUIT, which let it finish. 0 when it did. Returns in the
/// caller's process only, with its signal mask and handlers as they were: a child never does, not even by an exception.
/// When the process is killed the children notice, finish, and leave.
[[nodiscard]] int serve(perl::Engine& engine, std::vector<Fd> listeners, const Options& options) noexcept;

} // namespace mpsup::plack
