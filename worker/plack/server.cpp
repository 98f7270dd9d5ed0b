#include "worker/plack/server.h"

#include "base/listener.h"
#include "worker/dynamic/heap.h"
#include "worker/dynamic/master.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup::plack {

namespace {

// The master waits for SIGTERM without missing one; the others are passed on to it. Children inherit this, what they
// execute does not.
void pass_on_as_term(int) {
    const int kept = errno;
    ::kill(::getpid(), SIGTERM);
    errno = kept;
}

class EndSignals {
public:
    EndSignals() noexcept {
        struct sigaction action{};
        action.sa_handler = pass_on_as_term;
        ::sigemptyset(&action.sa_mask);
        ::sigaction(SIGINT, &action, &old_int_);
        ::sigaction(SIGQUIT, &action, &old_quit_);
        ::sigprocmask(SIG_SETMASK, nullptr, &old_mask_);
    }
    ~EndSignals() {
        ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr); // while a second SIGTERM still is ours
        ::sigaction(SIGINT, &old_int_, nullptr);
        ::sigaction(SIGQUIT, &old_quit_, nullptr);
    }
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;

private:
    struct sigaction old_int_{};
    struct sigaction old_quit_{};
    sigset_t old_mask_{};
};

http::Deadlines deadlines_of(const Options& options) {
    http::Deadlines deadlines = http::Deadlines::heavy();
    deadlines.idle = options.keepalive;
    deadlines.head = deadlines.body_stall = options.timeout;
    return deadlines;
}

contract::Go order_of(const Options& options, std::size_t listeners) {
    contract::Go go;
    go.kind = contract::WorkerKind::dynamic;
    go.fds.assign(listeners, contract::FdRole::public_listener);
    go.grace = options.grace;
    go.pool.mode = contract::PoolMode::fixed;
    go.pool.min = go.pool.max = options.workers;
    go.recycle.requests = options.max_requests;
    return go;
}

} // namespace

Result<Fd> listen_at(const std::string& address) {
    const auto parsed = Address::parse(address);
    if (!parsed) return failure(address + " is no address to listen at");
    return listen_tcp(*parsed);
}

Result<Fd> listen_at_path(const std::string& path) {
    if (connect_unix(path, SOCK_STREAM)) return system_failure("listen on " + path, EADDRINUSE);
    return listen_unix(path, SOCK_STREAM, 0777);
}

Result<Fd> share_listener(int fd) {
    if (!is_listening(fd)) return failure("descriptor " + std::to_string(fd) + " is no socket that listens");
    Fd shared(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!shared) return system_failure("duplicate a listening socket");
    // Of several children that wake up for one client, the late ones must not wait in accept.
    if (::fcntl(shared.get(), F_SETFL, ::fcntl(shared.get(), F_GETFL) | O_NONBLOCK) != 0)
        return system_failure("use a listening socket");
    return shared;
}

int serve(perl::Engine& engine, std::vector<Fd> listeners, const Options& options) noexcept {
    const EndSignals signals;
    ::tzset();
    dynamic::settle_heap();
    contract::Go go = order_of(options, listeners.size());
    return dynamic::run_master(
        {engine, std::nullopt, std::nullopt, std::move(go), std::move(listeners), std::nullopt, deadlines_of(options)});
}

} // namespace mpsup::plack
