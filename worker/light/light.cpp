#include "worker/light/light.h"

#include "base/descriptor_limit.h"
#include "base/output.h"
#include "worker/contract/light_control.h"
#include "worker/contract/scoreboard.h"
#include "worker/contract/session.h"
#include "worker/http/error_log.h"
#include "worker/http/event_server.h"
#include "worker/http/tls_reload.h"
#include "worker/light/front_server.h"
#include "worker/light/serving.h"
#include "worker/light/upkeep.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>
#include <variant>

namespace mpsup::light {

namespace {

int fail(const Error& error) {
    http::log_error(http::Severity::error, error.to_string());
    return EXIT_FAILURE;
}

// The descriptors of `go`, sorted by what they are.
struct Descriptors {
    std::vector<Fd> public_listeners, private_listeners;
    Fd cache;
    Fd access_log;

    Descriptors(const contract::Go& go, std::vector<Fd> fds) {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            switch (go.fds[i]) {
            case contract::FdRole::public_listener: public_listeners.push_back(std::move(fds[i])); break;
            case contract::FdRole::private_listener: private_listeners.push_back(std::move(fds[i])); break;
            case contract::FdRole::cache: cache = std::move(fds[i]); break;
            case contract::FdRole::output:
            case contract::FdRole::scoreboard: break; // nobody sends one
            case contract::FdRole::access_log: access_log = std::move(fds[i]); break;
            }
        }
    }
};

// Obeys what the supervisor says once the worker serves, and looks for another one when it is gone.
class Obedience {
public:
    Obedience(contract::Session session, const contract::CommandLine& command_line, http::EventServer& server,
              Serving& serving, Descriptors& descriptors, std::vector<http::ListenerOptions> listeners,
              std::chrono::milliseconds grace)
        : session_(std::move(session)),
          command_line_(command_line),
          server_(server),
          serving_(serving),
          upkeep_(server, serving),
          descriptors_(descriptors),
          listener_options_(std::move(listeners)),
          grace_(grace),
          search_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

    Result<> begin(Fd scoreboard) {
        if (!search_) return system_failure("make a timer");
        scoreboard_ = std::move(scoreboard);
        const int shared[] = {scoreboard_.get()};
        if (!session_) return failure("there is no supervisor");
        if (auto sent = session_->send(contract::Ready{}, shared); !sent) return sent;
        server_.watch(search_.get(), [this] { return search(), true; });
        server_.watch(session_->fd(), [this] { return listen_to_supervisor(); });
        return {};
    }

    void tell_of(const std::string& request) {
        if (session_) static_cast<void>(session_->send(contract::Quarantined{request})); // else the log has it
    }

    void tell_impaired() {
        const std::string what = serving_.impaired();
        if (session_ && !what.empty()) static_cast<void>(session_->send(contract::Impaired{what}));
    }

    void drain(std::chrono::milliseconds grace) {
        stage_ = contract::Stage::draining;
        public_listeners_.clear();
        serving_.hand_over();
        server_.drain(grace);
    }
    void drain() { drain(grace_); }

private:
    // For EventServer::watch: false at the end of the stream.
    bool listen_to_supervisor() {
        while (session_) {
            auto received = session_->receive();
            if (!received && received.error().code.value() == EAGAIN) return true;
            if (!received) {
                if (!std::exchange(searching_, true)) // and not again when it hangs up at once
                    http::log_error(http::Severity::warning, "the supervisor is gone, looking for another");
                set_search(true);
                return false;
            }
            searching_ = false;
            if (std::holds_alternative<contract::Serve>(received->message)) serve();
            if (const auto* reopen = std::get_if<contract::Reopen>(&received->message))
                reopen_logs(*reopen, std::move(received->fds));
            if (const auto* backends = std::get_if<contract::Backends>(&received->message))
                serving_.set_out(backends->out);
            if (const auto* ask = std::get_if<contract::Ask>(&received->message)) reply_to(*ask);
            if (const auto* drain_now = std::get_if<contract::Drain>(&received->message)) drain(drain_now->grace);
        }
        return false;
    }

    void reply_to(const contract::Ask& ask) {
        if (!session_) return;
        const std::string text = contract::answer(serving_.control(), server_.busy(), ask.text);
        if (auto sent = session_->send(contract::Answer{ask.id, text}); !sent) static_cast<void>(fail(sent.error()));
    }

    void reopen_logs(const contract::Reopen& order, std::vector<Fd> fds) {
        for (std::size_t i = 0; i < std::min(fds.size(), order.fds.size()); ++i) {
            if (order.fds[i] == contract::FdRole::output) move_output(fds[i]);
            if (order.fds[i] == contract::FdRole::access_log) server_.reopen_log(std::move(fds[i]));
        }
    }

    void search() {
        std::uint64_t times = 0;
        if (::read(search_.get(), &times, sizeof times) < 0) return; // EAGAIN: it was set anew
        contract::Return with{.stage = stage_,
                              .public_listeners = {},
                              .scoreboard = scoreboard_.get(),
                              .cache = descriptors_.cache.get()};
        for (const auto& listeners : {std::cref(public_listeners_), std::cref(descriptors_.public_listeners)})
            for (const Fd& listener : listeners.get()) with.public_listeners.push_back(listener.get());
        auto session = contract::Session::come_back(command_line_, contract::Role::light, with);
        if (!session) return;
        session_.emplace(std::move(*session)); // the event loop has let go of the old one by now
        set_search(false);
        tell_impaired();
        server_.watch(session_->fd(), [this] { return listen_to_supervisor(); });
    }

    void set_search(bool on) {
        const auto interval = on ? contract::search_interval : std::chrono::milliseconds(0);
        const timespec time{0, std::chrono::nanoseconds(interval).count()};
        const itimerspec spec{time, time};
        ::timerfd_settime(search_.get(), 0, &spec, nullptr);
    }

    void serve() {
        stage_ = contract::Stage::serving;
        auto options = listener_options_.begin();
        for (Fd& listener : std::exchange(descriptors_.public_listeners, {})) {
            public_listeners_.emplace_back(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 3));
            if (auto listening = server_.listen(std::move(listener), *options++); !listening)
                static_cast<void>(fail(listening.error()));
        }
        if (auto begun = upkeep_.begin(); !begun) static_cast<void>(fail(begun.error()));
    }

    std::optional<contract::Session> session_;
    const contract::CommandLine& command_line_;
    http::EventServer& server_;
    Serving& serving_;
    Upkeep upkeep_;
    Descriptors& descriptors_;
    const std::vector<http::ListenerOptions> listener_options_; // of the public listeners, in their order
    std::chrono::milliseconds grace_;
    contract::Stage stage_ = contract::Stage::ready;
    std::vector<Fd> public_listeners_; // for the next supervisor
    Fd scoreboard_;                    // as these
    Fd search_;                        // a timer that runs while there is no supervisor
    bool searching_ = false;           // and nothing was heard from any since
};

// What cannot be served is the operator's to know, by the supervisor too.
int give_up(contract::Session& session, const Error& error) {
    static_cast<void>(session.send(contract::Failed{error.to_string()}));
    return fail(error);
}

} // namespace

int run_light(contract::Session session, const contract::CommandLine& command_line, const contract::Go& go,
              std::vector<Fd> fds) {
    raise_descriptor_limit();
    Descriptors descriptors(go, std::move(fds));
    auto serving = Serving::make(go, descriptors.cache);
    if (!serving) return give_up(session, serving.error());
    auto certificates = open_certificates(go.front);
    if (!certificates) return give_up(session, certificates.error());
    std::vector<http::ListenerOptions> listeners;
    for (std::size_t i = 0; i < descriptors.public_listeners.size(); ++i)
        listeners.push_back(listener_options(go.front, i, *certificates));
    auto memory = contract::make_scoreboard();
    if (!memory) return fail(memory.error());
    auto scoreboard = contract::ScoreboardWriter::open(memory->get());
    if (!scoreboard) return fail(scoreboard.error());

    http::EventServer server(server_options(go.front), (*serving)->handlers(), std::move(descriptors.access_log),
                             *scoreboard);
    Obedience obedience(std::move(session), command_line, server, **serving, descriptors, std::move(listeners),
                        go.grace);
    (*serving)->on_page([&](contract::PageFate fate) { scoreboard->count_page(fate); });
    (*serving)->on_quarantine(
        [&](const std::string& request) { server.post([&obedience, request] { obedience.tell_of(request); }); });
    server.on_terminate([&] { obedience.drain(); });
    std::vector<std::shared_ptr<http::TlsFiles>> files = (*serving)->tls_files();
    if (*certificates) files.push_back(*certificates);
    for (const auto& each : files)
        if (auto watching = http::reload_when_changed(server, each); !watching)
            http::log_error(http::Severity::warning, watching.error().to_string());
    http::ListenerOptions probes;
    probes.guarded = false;
    for (Fd& listener : descriptors.private_listeners)
        if (auto listening = server.listen(std::move(listener), probes); !listening) return fail(listening.error());
    if (auto begun = obedience.begin(std::move(*memory)); !begun) return fail(begun.error());
    (*serving)->on_impaired([&] { server.post([&obedience] { obedience.tell_impaired(); }); });
    server.run();
    (*serving)->on_impaired(nullptr);
    return EXIT_SUCCESS;
}

} // namespace mpsup::light
