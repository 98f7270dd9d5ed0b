#include "supervisor/daemon/daemon.h"

#include "base/descriptor_limit.h"
#include "base/listener.h"
#include "base/process_identity.h"
#include "supervisor/control/build_id.h"
#include "supervisor/control/peer_door.h"
#include "supervisor/control/server.h"
#include "supervisor/daemon/api_words.h"
#include "supervisor/daemon/cluster_view.h"
#include "supervisor/daemon/contract_server.h"
#include "supervisor/daemon/control_api.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/orders.h"
#include "supervisor/daemon/site_lock.h"
#include "supervisor/daemon/takeover.h"
#include "supervisor/daemon/upgrade.h"
#include "supervisor/process/strays.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;

namespace {

constexpr int failed = 1;
constexpr auto answer_patience = std::chrono::seconds(1);

// In the background standard error is the supervisor's log file: whoever started us opened it.
void open_log() {
    auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("[%Y-%m-%dT%H:%M:%S.%e%z] [%l] %v");
    logger->set_error_handler([](const std::string&) {}); // a full disk costs log lines
    spdlog::set_default_logger(std::move(logger));
}

std::string folder_of_this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

// With a terminal these two are the kernel's, for whom the background may not read or write.
bool has_terminal() { return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY))); }

bool is_gone(const std::string& path) { return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT; }

class Daemon {
public:
    Daemon(DaemonOptions options, int lock, std::unique_ptr<state::Store> store, std::string store_trouble)
        : options_(std::move(options)),
          lock_(lock),
          store_(std::move(store)),
          store_trouble_(std::move(store_trouble)),
          history_(*store_),
          around_{context_.get_executor(),
                  options_.paths,
                  spawner_,
                  probe_,
                  history_,
                  folder_of_this_program(),
                  boot_id().value_or(""),
                  {},
                  topology::Binaries::two,
                  std::mt19937_64(std::random_device()()),
                  Bell(context_.get_executor()),
                  &logs_,
                  {},
                  &commands_,
                  &hooks_,
                  [this] { look_at_sockets(); }},
          site_(around_),
          started_ms_(wall_clock_ms()) {}

    Result<> open_sockets() {
        const bool was_killed = std::filesystem::exists(options_.paths.contract_socket());
        auto contract = listen_for_workers();
        if (!contract) return std::unexpected(contract.error());
        auto control = listen_for_commands();
        if (!control) return std::unexpected(control.error());
        return serve_on(std::move(*contract), std::move(*control), was_killed);
    }

    [[nodiscard]] Result<Fd> listen_for_workers() const {
        return listen_unix(options_.paths.contract_socket(), SOCK_SEQPACKET, 0666);
    }
    [[nodiscard]] Result<Fd> listen_for_commands() const {
        return listen_unix(options_.paths.control_socket(), SOCK_STREAM, 0600);
    }

    // Of the program before us in this process.
    Result<> take_sockets(const Handover& handover) {
        for (const auto& [address, fd] : handover.listeners)
            site_.listeners().adopt(address, std::make_shared<const Fd>(fd));
        successor_of_ = handover.from;
        waiting_client_ = Fd(handover.client);
        return serve_on(Fd(handover.contract), Fd(handover.control), true);
    }

    Result<> serve_on(Fd contract, Fd control, bool was_killed) {
        takeover_ = std::make_unique<Takeover>(site_, was_killed);
        orders_ = std::make_unique<Orders>(site_, *takeover_, options_.site);
        if (options_.cluster) {
            around_.machine = options_.cluster->machine;
            for (const std::string& open : keys_open_to_others(*options_.cluster)) log_line("warning", open);
            cluster_ = std::make_unique<ClusterLink>(site_, *orders_, *takeover_, *options_.cluster);
        }
        api_ = std::make_unique<ControlApi>(site_, *orders_, commands_, cluster_.get(), api_process());
        if (auto served = serve_workers(std::move(contract)); !served) return served;
        return serve_commands(std::move(control));
    }

    // Supervisors of other machines, who read.
    Result<> serve_peers() {
        if (!cluster_ || cluster_->options().peer.empty()) return {};
        auto listener = listen_tcp(Address::parse(cluster_->options().peer).value_or(Address{}));
        if (!listener) return std::unexpected(listener.error());
        PeerGuests guests{
            .has_address = [this](const std::string& ip) { return cluster_->has_address(ip); },
            .has_certificate = [this](const std::string& shown) { return cluster_->has_certificate(shown); },
            .on_refused = [this](std::string why) { complain_of_peer(std::move(why)); }};
        if (auto checked = cluster_->trust().check(); !checked)
            complain_of_peer("supervisors cannot ask each other: " + checked.error().to_string());
        peers_ = std::make_unique<ControlServer>(context_.get_executor(),
                                                 peer_door(std::move(*listener), cluster_->trust(), std::move(guests)),
                                                 [this](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                                                     return api_->serve_peer(std::move(request), std::move(answer));
                                                 });
        return {};
    }

    // Once for each time that it becomes another one: whoever asks again and again fills no log.
    void complain_of_peer(std::string why) {
        if (why != peer_trouble_) log_line("warning", why);
        peer_trouble_ = std::move(why);
    }

    // A site serves, whether others may read of it or not.
    asio::awaitable<void> open_to_peers() {
        constexpr std::chrono::seconds again{1};
        std::string complaint;
        for (auto served = serve_peers(); !served; served = serve_peers()) {
            const std::string why = served.error().to_string() + " (--peer): other machines cannot ask this one";
            if (std::exchange(complaint, why) != why) log_line("error", why);
            co_await pause_for(again);
        }
    }

    Result<> serve_workers(Fd listener) {
        contract_socket_ = Fd(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 3));
        if (!contract_socket_) return system_failure("keep the socket of the contract");
        contract_.emplace(context_.get_executor(), std::move(listener),
                          [this](const contract::Hello& hello, std::vector<Fd> fds, Fd& connection) {
                              if (hello.stage != contract::Stage::fresh && !site_.knows(hello))
                                  return takeover_->greet(hello, std::move(fds), connection);
                              return site_.greet(hello, fds, connection);
                          });
        return {};
    }

    Result<> serve_commands(Fd listener) {
        control_socket_ = Fd(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 3));
        if (!control_socket_) return system_failure("keep the socket of the commands");
        control_ =
            std::make_unique<ControlServer>(context_.get_executor(), std::move(listener),
                                            [this](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                                                return api_->serve(std::move(request), std::move(answer));
                                            });
        return {};
    }

    // Whoever tidies up may take sockets away that were not used for long; nobody could give us an order then.
    void look_at_sockets() {
        const std::string contract = options_.paths.contract_socket();
        const std::string control = options_.paths.control_socket();
        if (!contract_ || !control_ || (!is_gone(contract) && !is_gone(control))) return;
        Result<> made = options_.paths.create(); // the folders may be gone too
        if (made && is_gone(contract)) {
            auto listener = listen_for_workers();
            made = listener ? serve_workers(std::move(*listener)) : std::unexpected(listener.error());
        }
        if (made && is_gone(control)) {
            auto listener = listen_for_commands();
            made = listener ? serve_commands(std::move(*listener)) : std::unexpected(listener.error());
        }
        if (made) log_line("warning", "somebody took a socket of the site away: it was made anew");
        const std::string trouble = made ? "" : made.error().to_string();
        if (trouble != std::exchange(socket_trouble_, trouble) && !made)
            log_line("error", "a socket of the site is gone, and cannot be made anew: " + trouble);
    }

    int run() {
        logs_.adopt_own(!options_.report);
        store_->interrupt_rollouts();
        history_.site_event(state::EventKind::supervisor_started,
                            "pid " + std::to_string(::getpid()) +
                                (successor_of_.empty() ? "" : ", upgraded from " + successor_of_));
        spawn(takeover_->run());
        spawn(tell_upgraded());
        spawn(watch_signals());
        spawn(watch_children());
        spawn(orders_->watch_moved());
        if (cluster_) {
            spawn(cluster_->run());
            spawn(open_to_peers());
        }
        if (options_.first) spawn(run_first(*options_.first));
        context_.run();
        history_.site_event(state::EventKind::supervisor_stopped, "");
        for (const auto& path : {options_.paths.contract_socket(), options_.paths.control_socket()})
            ::unlink(path.c_str()); // a sign that nothing was left behind
        return exit_code_;
    }

private:
    void spawn(asio::awaitable<void> task) {
        asio::co_spawn(context_, std::move(task), [](const std::exception_ptr& thrown) {
            if (thrown) log_line("error", "a coroutine of the supervisor ended by an exception");
        });
    }

    // Signals

    asio::awaitable<void> watch_signals() {
        asio::signal_set signals(context_, SIGTERM, SIGINT, SIGUSR1);
        boost::system::error_code error; // no deadline: a signal comes when it comes
        if (!has_terminal())
            for (const int signal : {SIGTTIN, SIGTTOU}) signals.add(signal, error);
        for (;;) {
            const int signal = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return;
            log_line("info", "signal " + std::to_string(signal));
            if (signal == SIGTTIN || signal == SIGTTOU)
                spawn(orders_->scale_all(signal == SIGTTIN ? 1 : -1));
            else if (signal == SIGUSR1)
                reopen();
            else if (orders_->is_closed())
                kill_everything();
            else {
                orders_->close();
                spawn(stop_by_signal());
            }
        }
    }

    void reopen() {
        site_.reopen_logs();
        look_at_sockets();
    }

    asio::awaitable<void> watch_children() {
        asio::signal_set signals(context_, SIGCHLD);
        for (;;) {
            boost::system::error_code error;
            co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return;
            site_.reap();
        }
    }

    asio::awaitable<void> stop_by_signal() {
        if (cluster_) co_await cluster_->leave();
        Report report = options_.report ? options_.report : Report([](const ReportLine&) {});
        co_await orders_->stop("stop by signal", std::move(report));
        finish(0);
    }

    void kill_everything() {
        for (const auto& worker : site_.workers()) worker->kill();
    }

    void finish(int code) {
        exit_code_ = code;
        context_.stop();
    }

    asio::awaitable<void> run_first(UpRequest first) {
        Outcome outcome = co_await orders_->up("up", std::move(first), options_.report);
        if (options_.report) options_.report(outcome.text);
        if (outcome.code != 0 && !orders_->has_processes()) finish(outcome.code);
    }

    // None, where there is no cluster.
    [[nodiscard]] std::function<std::vector<ClusterMachine>()> machines_of_cluster() {
        if (!cluster_) return {};
        return [this] { return cluster_->machines(); };
    }

    [[nodiscard]] std::function<std::string()> topologies_of_cluster() {
        if (!cluster_) return {};
        return [this] { return cluster_->topologies(); };
    }

    [[nodiscard]] ApiProcess api_process() {
        return {
            .started_ms = started_ms_,
            .view = [this] { return view(); },
            .upgrade = [this](std::string program, Report report,
                              ControlAnswer& answer) { return upgrade(std::move(program), std::move(report), answer); },
            .end = [this](int code) { spawn(finish_after_answer(code)); },
            .machines = machines_of_cluster(),
            .topologies = topologies_of_cluster()};
    }

    // Upgrade: another program, the same process

    // Returns only when it did not come about.
    asio::awaitable<Outcome> upgrade(std::string program, Report report, ControlAnswer& answer) {
        const std::filesystem::path state = options_.paths.state_dir();
        const std::filesystem::path run = options_.paths.run_dir();
        const UpgradePlan plan{std::move(program), options_.site, state.parent_path().string(),
                               run.parent_path().string(),
                               options_.cluster ? options_.cluster->to_arguments() : std::vector<std::string>()};
        report("asking " + plan.program + " whether it can take over");
        if (auto checked = co_await check_successor(options_.paths, spawner_, plan, handover(answer)); !checked)
            co_return stay(checked.error());
        report("taking over");
        const auto deadline = std::chrono::steady_clock::now() + answer_patience;
        while ((!answer.is_sent() || control_->clients() > 1) && std::chrono::steady_clock::now() < deadline)
            co_await pause_for(std::chrono::milliseconds(2)); // others are being answered
        (void)store_->flush(answer_patience);
        if (cluster_) cluster_->flush();
        co_return stay(become_successor(options_.paths, plan, handover(answer)));
    }

    Outcome stay(const Error& why) {
        ::unlink(handover_path(options_.paths).c_str());
        return {failed, why.to_string() + "; the running supervisor goes on"};
    }

    [[nodiscard]] Handover handover(const ControlAnswer& answer) {
        Handover made;
        made.from = std::string(MPSUP_VERSION) + " build " + build_id();
        made.lock = lock_;
        made.control = control_socket_.get();
        made.contract = contract_socket_.get();
        made.client = answer.socket();
        for (const auto& [address, listener] : site_.listeners().all())
            made.listeners.emplace_back(address, listener->get());
        return made;
    }

    // Ends the answer that the program before us began.
    asio::awaitable<void> tell_upgraded() {
        co_await takeover_->wait_until_over();
        if (!waiting_client_) co_return;
        const std::string text =
            last_of_stream(result_line({0, "upgraded to mpsup " MPSUP_VERSION " build " + build_id()}));
        (void)::send(waiting_client_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        waiting_client_.reset();
    }

    asio::awaitable<void> finish_after_answer(int code) {
        orders_->close();
        if (cluster_) co_await cluster_->leave();
        const auto deadline = std::chrono::steady_clock::now() + answer_patience;
        while (control_ && control_->clients() > 0 && std::chrono::steady_clock::now() < deadline)
            co_await pause_for(std::chrono::milliseconds(5)); // the answer is on its way through the socket
        finish(code);
    }

    SupervisorView view() const {
        const std::string trouble = store_trouble_.empty() ? store_->status().problem : store_trouble_;
        return {orders_->is_closed() ? "stopping" : "running",
                ::getpid(),
                started_ms_,
                build_id(),
                trouble,
                orders_->running(),
                around_.rollout.doing,
                cluster_ ? cluster_json(cluster_->status(), around_.machine) : ""};
    }

    asio::io_context context_{1}; // first: everything below may still refer to it while it is destroyed
    DaemonOptions options_;
    int lock_;                            // stays the caller's
    Fd contract_socket_, control_socket_; // for a successor
    Fd waiting_client_;                   // of the program before us
    std::string successor_of_;            // its version
    std::unique_ptr<state::Store> store_;
    std::string store_trouble_;
    std::string socket_trouble_, peer_trouble_; // the latest that is in the log
    ProcessSpawner spawner_;
    Commands commands_{spawner_};
    EveryProbe probe_{commands_};
    History history_;
    LogFiles logs_{options_.paths};
    HookRunner hooks_{context_.get_executor(), options_.site, commands_, history_};
    Surroundings around_;
    Site site_;
    std::unique_ptr<Takeover> takeover_;
    std::unique_ptr<Orders> orders_;       // from serve_on() on
    std::unique_ptr<ClusterLink> cluster_; // null: this machine is the only one
    std::unique_ptr<ControlApi> api_;
    std::optional<ContractServer> contract_;
    std::unique_ptr<ControlServer> control_, peers_;
    int exit_code_ = 0;
    std::int64_t started_ms_;
};

int complain(const std::string& text) {
    std::fprintf(stderr, "mpsup: %s\n", text.c_str());
    return failed;
}

} // namespace

int run_daemon(DaemonOptions options) {
    if (auto made = options.paths.create(); !made) return complain(made.error().to_string());
    std::optional<Handover> handover;
    if (options.takes_over) {
        auto read = read_handover(options.paths);
        if (!read) return complain(read.error().to_string());
        handover = std::move(*read);
    }
    const auto lock = handover ? Result<Fd>(Fd(handover->lock)) : take_site_lock(options.paths.lock());
    if (!lock) return complain(lock.error().to_string());
    for (const int signal : {SIGPIPE, SIGHUP, SIGTTOU, SIGTTIN, SIGUSR1}) ::signal(signal, SIG_IGN);
    raise_descriptor_limit(); // one, and sometimes two, for each process of a pool
    open_log();
    if (auto became = become_subreaper(); !became) return complain(became.error().to_string());
    auto store = state::open_store(options.paths.database());
    std::string trouble = store ? "" : store.error().to_string();
    if (!trouble.empty()) log_line("error", trouble + ": history is not kept");
    Daemon daemon(std::move(options), lock->get(), store ? std::move(*store) : state::make_null_store(),
                  std::move(trouble));
    if (auto opened = handover ? daemon.take_sockets(*handover) : daemon.open_sockets(); !opened)
        return complain(opened.error().to_string());
    return daemon.run();
}

} // namespace mpsup
