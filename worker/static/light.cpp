#include "worker/static/light.h"

#include "worker/contract/scoreboard.h"
#include "worker/contract/session.h"
#include "worker/http/error_log.h"
#include "worker/http/event_server.h"
#include "worker/static/static_files.h"

#include <cerrno>
#include <cstdlib>
#include <utility>
#include <variant>

namespace mpsup::static_files {

namespace {

int fail(const Error& error) {
    http::log_error(http::Severity::error, error.to_string());
    return EXIT_FAILURE;
}

// The descriptors of `go`, sorted by what they are.
struct Descriptors {
    std::vector<Fd> public_listeners, private_listeners;
    http::AccessLog access_log;

    Descriptors(const contract::Go& go, std::vector<Fd> fds) {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            switch (go.fds[i]) {
            case contract::FdRole::public_listener: public_listeners.push_back(std::move(fds[i])); break;
            case contract::FdRole::private_listener: private_listeners.push_back(std::move(fds[i])); break;
            case contract::FdRole::access_log: access_log = http::AccessLog(std::move(fds[i])); break;
            }
        }
    }
};

// Obeys what the supervisor says once the worker serves.
class Obedience {
public:
    Obedience(contract::Session& session, http::EventServer& server, Descriptors& descriptors,
              std::chrono::milliseconds grace)
        : session_(session), server_(server), descriptors_(descriptors), grace_(grace) {}

    // For EventServer::watch: false at the end of the stream.
    bool listen_to_supervisor() {
        for (;;) {
            auto received = session_.receive();
            if (!received) {
                if (received.error().code.value() == EAGAIN) return true;
                http::log_error(http::Severity::warning, "the supervisor is gone: " + received.error().to_string());
                server_.drain(grace_);
                return false;
            }
            if (std::holds_alternative<contract::Serve>(received->message)) serve();
            if (const auto* drain = std::get_if<contract::Drain>(&received->message)) server_.drain(drain->grace);
        }
    }

private:
    void serve() {
        for (Fd& listener : std::exchange(descriptors_.public_listeners, {}))
            if (auto listening = server_.listen(std::move(listener)); !listening)
                static_cast<void>(fail(listening.error()));
    }

    contract::Session& session_;
    http::EventServer& server_;
    Descriptors& descriptors_;
    std::chrono::milliseconds grace_;
};

} // namespace

int run_light(contract::Session& session, const contract::Go& go, std::vector<Fd> fds) {
    Descriptors descriptors(go, std::move(fds));
    auto files = StaticFiles::open(go.root, go.serves);
    if (!files) {
        static_cast<void>(session.send(contract::Failed{files.error().to_string()}));
        return fail(files.error());
    }
    auto memory = contract::make_scoreboard();
    if (!memory) return fail(memory.error());
    auto scoreboard = contract::ScoreboardWriter::open(memory->get());
    if (!scoreboard) return fail(scoreboard.error());

    http::EventServer server({}, *files, descriptors.access_log, *scoreboard);
    Obedience obedience(session, server, descriptors, go.grace);
    server.on_terminate([&] { server.drain(go.grace); });
    server.watch(session.fd(), [&] { return obedience.listen_to_supervisor(); });
    for (Fd& listener : descriptors.private_listeners)
        if (auto listening = server.listen(std::move(listener)); !listening) return fail(listening.error());
    const int shared[] = {memory->get()};
    if (auto sent = session.send(contract::Ready{}, shared); !sent) return fail(sent.error());
    memory->reset();
    server.run();
    return EXIT_SUCCESS;
}

} // namespace mpsup::static_files
