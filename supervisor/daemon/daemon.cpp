#include "supervisor/daemon/daemon.h"

#include "base/descriptor_limit.h"
#include "base/listener.h"
#include "base/process_identity.h"
#include "supervisor/control/build_id.h"
#include "supervisor/control/server.h"
#include "supervisor/daemon/asking.h"
#include "supervisor/daemon/contract_server.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/operations.h"
#include "supervisor/daemon/rollout_record.h"
#include "supervisor/daemon/scaling.h"
#include "supervisor/daemon/takeover.h"
#include "supervisor/daemon/upgrade.h"
#include "supervisor/process/strays.h"
#include "supervisor/topology/resolve.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int failed = 1;
constexpr int usage = 2;
constexpr int busy = 8;
constexpr int bad_topology = 78;
constexpr auto answer_patience = std::chrono::seconds(1);
constexpr auto lock_patience = std::chrono::seconds(2);
constexpr auto flush_patience = std::chrono::milliseconds(100);

std::string result_line(const Outcome& outcome) {
    return json::serialize(json::object{{"type", "result"}, {"code", outcome.code}, {"text", outcome.text}});
}

std::string progress_line(const ReportLine& line) {
    json::object object{{"type", "progress"}, {"text", line.text}};
    if (!line.worker.empty()) {
        object["worker"] = line.worker;
        object["generation"] = line.generation;
        if (line.pid > 0) object["pid"] = line.pid;
        object["stage"] = line.stage;
    }
    return json::serialize(object);
}

// The lock belongs to the open file: the kernel frees it when the process ends, however that comes about.
Result<Fd> take_lock(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT, 0600);
    if (!file) return file;
    // One that was killed holds it until the last of its threads is gone, which may be in the middle of a write.
    const auto deadline = std::chrono::steady_clock::now() + lock_patience;
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
        if (std::chrono::steady_clock::now() >= deadline) return failure("another supervisor of this site runs");
        ::poll(nullptr, 0, 5); // flock(2) has no deadline of its own
    }
    return file;
}

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

// The list of texts under `key` of a JSON object; whatever is none is left out.
std::vector<std::string> texts_in(const std::string& body, std::string_view key) {
    boost::system::error_code error;
    const json::value value = json::parse(body, error);
    std::vector<std::string> texts;
    if (error || !value.is_object()) return texts;
    if (const json::value* list = value.as_object().if_contains(key); list && list->is_array())
        for (const json::value& item : list->as_array())
            if (item.is_string()) texts.emplace_back(item.as_string());
    return texts;
}

bool has_flag(const std::string& body, std::string_view key) {
    boost::system::error_code error;
    const json::value value = json::parse(body, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* flag = object ? object->if_contains(key) : nullptr;
    return flag && flag->is_bool() && flag->as_bool();
}

// With a terminal these two are the kernel's, for whom the background may not read or write.
bool has_terminal() { return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY))); }

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
                  &hooks_},
          site_(around_),
          operation_ended_(context_.get_executor()),
          started_ms_(wall_clock_ms()) {}

    Result<> open_sockets() {
        const bool was_killed = std::filesystem::exists(options_.paths.contract_socket());
        auto contract = listen_unix(options_.paths.contract_socket(), SOCK_SEQPACKET, 0666);
        if (!contract) return std::unexpected(contract.error());
        auto control = listen_unix(options_.paths.control_socket(), SOCK_STREAM, 0600);
        if (!control) return std::unexpected(control.error());
        return serve_on(std::move(*contract), std::move(*control), was_killed);
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
        contract_socket_ = Fd(::fcntl(contract.get(), F_DUPFD_CLOEXEC, 3));
        control_socket_ = Fd(::fcntl(control.get(), F_DUPFD_CLOEXEC, 3));
        if (!contract_socket_ || !control_socket_) return system_failure("keep the sockets");
        contract_.emplace(context_.get_executor(), std::move(contract),
                          [this](const contract::Hello& hello, std::vector<Fd> fds, Fd& connection) {
                              if (hello.stage != contract::Stage::fresh && !site_.knows(hello))
                                  return takeover_->greet(hello, std::move(fds), connection);
                              return site_.greet(hello, fds, connection);
                          });
        control_ =
            std::make_unique<ControlServer>(context_.get_executor(), std::move(control),
                                            [this](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                                                return serve(std::move(request), std::move(answer));
                                            });
        return {};
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
                spawn(scale_by_signal(signal == SIGTTIN ? 1 : -1));
            else if (signal == SIGUSR1)
                site_.reopen_logs();
            else if (std::exchange(told_to_stop_, true))
                kill_everything();
            else
                spawn(stop_by_signal());
        }
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
        Report report = options_.report ? options_.report : Report([](const ReportLine&) {});
        while (!takeover_->is_over())
            co_await takeover_->bell().wait_until(std::chrono::steady_clock::time_point::max());
        co_await interrupt();
        operation_ = "stop by signal";
        RolloutRecord record(site_, operation_, {});
        record.end(co_await down(std::move(report)));
        finish(0);
    }

    void kill_everything() {
        for (const auto& worker : site_.workers()) worker->kill();
    }

    void finish(int code) {
        exit_code_ = code;
        context_.stop();
    }

    // Operations: one at a time

    // Waits for the one that runs; what it waits for has deadlines of its own.
    asio::awaitable<void> interrupt() {
        while (!operation_.empty()) {
            around_.rollout.abort = true;
            around_.changed.ring();
            for (const auto& worker : site_.workers()) worker->give_up_newcomers();
            co_await operation_ended_.wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(1));
        }
    }

    asio::awaitable<Outcome> perform(std::string name, asio::awaitable<Outcome> work,
                                     std::vector<std::string> workers = {}) {
        while (!takeover_->is_over())
            co_await takeover_->bell().wait_until(std::chrono::steady_clock::time_point::max());
        if (!operation_.empty() || told_to_stop_)
            co_return Outcome{busy, "another change runs: " + (operation_.empty() ? "stop" : operation_)};
        operation_ = std::move(name);
        std::optional<RolloutRecord>
            record; // of an upgrade none: it changes no worker, and this process may not see its end
        if (operation_ != "upgrade") record.emplace(site_, operation_, std::move(workers));
        Outcome outcome{failed, "internal error, see the supervisor's log"};
        try {
            outcome = co_await std::move(work);
        } catch (const std::exception& exception) {
            log_line("error", operation_ + ": " + exception.what());
        }
        log_line(outcome.code == 0 ? "info" : "error", operation_ + ": " + outcome.text);
        if (record) record->end(outcome);
        (void)store_->flush(flush_patience); // who asks for the history next finds it there
        operation_.clear();
        operation_ended_.ring();
        ::malloc_trim(0); // what it took is not needed for days
        co_return outcome;
    }

    asio::awaitable<Outcome> up(UpRequest request, Report report, bool all_anew = false, bool fast = false) {
        auto wanted = topology::from_document(request.document);
        if (!wanted) co_return Outcome{bad_topology, wanted.error().to_string()};
        if (wanted->site != options_.site)
            co_return Outcome{bad_topology, "this is the supervisor of " + options_.site};
        for (std::string& name : takeover_->adopt_strangers(*wanted)) site_.unsure_of().insert(std::move(name));
        AppliedTopology applied{std::move(*wanted), request.path, topology::digest_of(request.document)};
        const BringUp how{.all_anew = all_anew, .fast = fast, .asks_pre_roll = true};
        co_return co_await bring_up(site_, std::move(applied), report, how);
    }

    // What was adopted is supervised, whatever becomes of an order.
    bool has_processes() const {
        return std::ranges::any_of(site_.workers(), [](const auto& worker) { return worker->core().has_processes(); });
    }

    asio::awaitable<void> run_first(UpRequest first) {
        Outcome outcome = co_await perform("up", up(std::move(first), options_.report));
        if (options_.report) options_.report(outcome.text);
        if (outcome.code != 0 && !has_processes()) finish(outcome.code);
    }

    // The API

    asio::awaitable<void> serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
        if (request.method == "GET" && request.path == "/v1/status") co_return answer->reply(200, site_.status(view()));
        if (request.method == "GET" && request.path == "/v1/version")
            co_return answer->reply(200, json::serialize(json::object{{"version", MPSUP_VERSION},
                                                                      {"build", build_id()},
                                                                      {"pid", ::getpid()},
                                                                      {"started_ms", started_ms_}}));
        if (request.method != "POST") co_return answer->reply(404, R"({"error":"there is no such thing here"})");
        const Report report = [answer](const ReportLine& line) { answer->line(progress_line(line)); };
        if (request.path == "/v1/up") co_return co_await serve_up(request.body, false, report, *answer);
        if (request.path == "/v1/reload") co_return co_await serve_up(request.body, true, report, *answer);
        if (request.path == "/v1/rollback") co_return co_await serve_rollback(request.body, report, *answer);
        if (request.path == "/v1/promote" || request.path == "/v1/abort")
            co_return serve_word(request.path == "/v1/promote", *answer);
        if (request.path == "/v1/restart") co_return co_await serve_restart(request.body, report, *answer);
        if (request.path == "/v1/reset") co_return co_await serve_reset(request.body, report, *answer);
        if (request.path == "/v1/scale") co_return co_await serve_scale(request.body, report, *answer);
        if (request.path == "/v1/upgrade") co_return co_await serve_upgrade(request.body, report, *answer);
        if (request.path == "/v1/ask") co_return co_await serve_ask(request.body, *answer);
        if (request.path == "/v1/maintenance")
            co_return answer->line(
                result_line(set_maintenance(site_, texts_in(request.body, "workers"), has_flag(request.body, "on"))));
        if (request.path == "/v1/down") co_return co_await serve_down(report, *answer);
        answer->reply(404, R"({"error":"there is no such verb"})");
    }

    asio::awaitable<void> serve_up(const std::string& body, bool all_anew, const Report& report,
                                   ControlAnswer& answer) {
        boost::system::error_code error;
        const json::value value = json::parse(body, error);
        const json::object* object = error ? nullptr : value.if_object();
        const json::value* document = object ? object->if_contains("document") : nullptr;
        const json::value* path = object ? object->if_contains("path") : nullptr;
        if (!document || !document->is_string() || !path || !path->is_string())
            co_return answer.line(result_line({usage, "bad request"}));
        const bool is_first = !site_.applied();
        UpRequest request{std::string(document->as_string()), std::string(path->as_string())};
        const Outcome outcome = co_await perform(all_anew ? "reload" : "up",
                                                 up(std::move(request), report, all_anew, has_flag(body, "fast")));
        answer.line(result_line(outcome));
        // A supervisor whose first topology did not come up has nothing to supervise.
        if (is_first && outcome.code != 0 && outcome.code != busy && !has_processes())
            spawn(finish_after_answer(outcome.code));
    }

    asio::awaitable<void> serve_restart(const std::string& body, const Report& report, ControlAnswer& answer) {
        auto workers = texts_in(body, "workers");
        const Outcome outcome =
            co_await perform("restart", restart(site_, workers, has_flag(body, "fast"), report), workers);
        answer.line(result_line(outcome));
    }

    asio::awaitable<void> serve_rollback(const std::string& body, const Report& report, ControlAnswer& answer) {
        auto workers = texts_in(body, "workers");
        const Outcome outcome = co_await perform("rollback", roll_back(site_, workers, report), workers);
        answer.line(result_line(outcome));
    }

    asio::awaitable<void> serve_reset(const std::string& body, const Report& report, ControlAnswer& answer) {
        auto workers = texts_in(body, "workers");
        answer.line(result_line(co_await perform("reset", reset(site_, workers, report), workers)));
    }

    asio::awaitable<void> serve_ask(const std::string& body, ControlAnswer& answer) {
        const auto questions = texts_in(body, "question");
        if (questions.size() != 1) co_return answer.reply(400, R"({"error":"one question at a time"})");
        std::string text = co_await ask_workers(site_, texts_in(body, "workers"), questions.front());
        answer.reply(200, std::move(text));
    }

    // To the rollout that runs. It answers for itself where it was asked for.
    void serve_word(bool promote, ControlAnswer& answer) {
        if (around_.rollout.worker.empty() && !promote && !operation_.empty() && operation_ != "down") {
            for (const auto& worker : site_.workers()) worker->give_up_newcomers();
            return answer.line(result_line({0, operation_ + ": what is on its way is given up"}));
        }
        if (around_.rollout.worker.empty()) return answer.line(result_line({failed, "nothing is being rolled"}));
        (promote ? around_.rollout.promote : around_.rollout.abort) = true;
        around_.changed.ring();
        answer.line(result_line({0, around_.rollout.worker + (promote ? ": goes on" : ": is taken back")}));
    }

    asio::awaitable<void> serve_scale(const std::string& body, const Report& report, ControlAnswer& answer) {
        std::vector<ScaleOrder> orders;
        std::vector<std::string> workers;
        for (const std::string& text : texts_in(body, "orders")) {
            auto order = parse_scale(text);
            if (!order)
                co_return answer.line(result_line({usage, text + " is no WORKER=NUMBER, WORKER=+N or WORKER=-N"}));
            workers.push_back(order->worker);
            orders.push_back(std::move(*order));
        }
        auto work = scale(site_, std::move(orders), report);
        answer.line(result_line(co_await perform("scale", std::move(work), std::move(workers))));
    }

    // TTIN, TTOU: one child more or fewer in every pool that has a number, as far as it goes. Those that come while
    // another change runs are added up and follow it.
    asio::awaitable<void> scale_by_signal(int difference) {
        signalled_ += difference;
        if (std::exchange(waits_to_scale_, true)) co_return;
        while (!operation_.empty()) co_await operation_ended_.wait_until(std::chrono::steady_clock::time_point::max());
        waits_to_scale_ = false;
        auto orders = orders_for_all(site_, std::exchange(signalled_, 0));
        if (orders.empty()) co_return;
        Report report = [](const ReportLine& line) { log_line("info", line.text); };
        (void)co_await perform("scale by signal", scale(site_, std::move(orders), std::move(report)));
    }

    asio::awaitable<void> serve_down(const Report& report, ControlAnswer& answer) {
        while (!takeover_->is_over()) // an `up` that waits for it too is interrupted as well
            co_await takeover_->bell().wait_until(std::chrono::steady_clock::time_point::max());
        co_await interrupt();
        const Outcome outcome = co_await perform("down", down(report));
        answer.line(result_line(outcome));
        if (outcome.code == 0) spawn(finish_after_answer(0));
    }

    asio::awaitable<Outcome> down(Report report) {
        takeover_->adopt_the_rest();
        co_return co_await bring_down(site_, std::move(report));
    }

    // Upgrade: another program, the same process

    asio::awaitable<void> serve_upgrade(const std::string& body, const Report& report, ControlAnswer& answer) {
        const auto programs = texts_in(body, "program");
        if (programs.size() != 1 || !programs.front().starts_with('/'))
            co_return answer.line(result_line({usage, "upgrade needs the absolute path of one program"}));
        const Outcome outcome = co_await perform("upgrade", upgrade(programs.front(), report, answer));
        answer.line(result_line(outcome));
    }

    // Returns only when it did not come about.
    asio::awaitable<Outcome> upgrade(std::string program, Report report, ControlAnswer& answer) {
        const std::filesystem::path state = options_.paths.state_dir();
        const std::filesystem::path run = options_.paths.run_dir();
        const UpgradePlan plan{std::move(program), options_.site, state.parent_path().string(),
                               run.parent_path().string()};
        report("asking " + plan.program + " whether it can take over");
        if (auto checked = co_await check_successor(options_.paths, spawner_, plan, handover(answer)); !checked)
            co_return stay(checked.error());
        report("taking over");
        const auto deadline = std::chrono::steady_clock::now() + answer_patience;
        while ((!answer.is_sent() || control_->clients() > 1) && std::chrono::steady_clock::now() < deadline)
            co_await pause_for(std::chrono::milliseconds(2)); // others are being answered
        (void)store_->flush(answer_patience);
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
        while (!takeover_->is_over())
            co_await takeover_->bell().wait_until(std::chrono::steady_clock::time_point::max());
        if (!waiting_client_) co_return;
        const std::string text =
            last_of_stream(result_line({0, "upgraded to mpsup " MPSUP_VERSION " build " + build_id()}));
        (void)::send(waiting_client_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        waiting_client_.reset();
    }

    asio::awaitable<void> finish_after_answer(int code) {
        told_to_stop_ = true;
        const auto deadline = std::chrono::steady_clock::now() + answer_patience;
        while (control_ && control_->clients() > 0 && std::chrono::steady_clock::now() < deadline)
            co_await pause_for(std::chrono::milliseconds(5)); // the answer is on its way through the socket
        finish(code);
    }

    SupervisorView view() const {
        const std::string trouble = store_trouble_.empty() ? store_->status().problem : store_trouble_;
        return {told_to_stop_ ? "stopping" : "running",
                ::getpid(),
                started_ms_,
                build_id(),
                trouble,
                operation_,
                around_.rollout.doing};
    }

    asio::io_context context_{1}; // first: everything below may still refer to it while it is destroyed
    DaemonOptions options_;
    int lock_;                            // stays the caller's
    Fd contract_socket_, control_socket_; // for a successor
    Fd waiting_client_;                   // of the program before us
    std::string successor_of_;            // its version
    std::unique_ptr<state::Store> store_;
    std::string store_trouble_;
    ProcessSpawner spawner_;
    Commands commands_{spawner_};
    EveryProbe probe_{commands_};
    History history_;
    LogFiles logs_{options_.paths};
    HookRunner hooks_{context_.get_executor(), options_.site, commands_, history_};
    Surroundings around_;
    Site site_;
    std::unique_ptr<Takeover> takeover_;
    std::optional<ContractServer> contract_;
    std::unique_ptr<ControlServer> control_;
    int signalled_ = 0; // children asked for by signals
    bool waits_to_scale_ = false;
    std::string operation_; // the one that runs; empty: none
    Bell operation_ended_;
    bool told_to_stop_ = false;
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
    const auto lock = handover ? Result<Fd>(Fd(handover->lock)) : take_lock(options.paths.lock());
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
