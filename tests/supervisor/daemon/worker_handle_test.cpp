#include "supervisor/daemon/worker_handle.h"

#include "base/fd_passing.h"
#include "base/process_identity.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// Starts processes that do nothing, or refuses to.
class FakeSpawner final : public Spawner {
public:
    Result<Pidfd> spawn(const SpawnRequest& request) override {
        requests.push_back(request);
        if (refuses) return failure("fork: no room");
        const pid_t pid = ::fork();
        if (pid == 0) {
            for (;;) ::pause();
        }
        return Pidfd::open(pid);
    }
    std::vector<SpawnRequest> requests;
    bool refuses = false;
};

class FakeProbe final : public Probe {
public:
    asio::awaitable<ProbeResult> run(ProbeTarget target) override {
        targets.push_back(std::move(target));
        co_return ProbeResult{passes, 1ms, passes ? "" : "answered 500"};
    }
    std::vector<ProbeTarget> targets;
    bool passes = true;
};

class FakeStore final : public state::Store {
public:
    void intend(const state::ProcessRow& row, Done done) override {
        intents.push_back(row);
        if (answers)
            done(true);
        else
            unanswered.push_back(std::move(done));
    }
    void started(const state::ProcessStart& start) override { starts.push_back(start); }
    void exited(const state::ProcessExit& exit) override { exits.push_back(exit); }
    void event(const state::EventRow& event) override { events.push_back(event); }
    void topology(const state::TopologyRow&) override {}
    void worker(const state::WorkerRow& worker) override { workers.push_back(worker); }
    void sample(const state::HealthSample&) override {}
    void sample(const state::ProcessSample&) override {}
    void slow(const state::SlowRow&) override {}
    state::StoreStatus status() const override { return {}; }
    bool flush(std::chrono::milliseconds) override { return true; }

    bool answers = true;
    std::vector<Done> unanswered;
    std::vector<state::ProcessRow> intents;
    std::vector<state::ProcessStart> starts;
    std::vector<state::ProcessExit> exits;
    std::vector<state::EventRow> events;
    std::vector<state::WorkerRow> workers;
};

class WorkerHandleTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-handle-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        paths_.emplace(BaseDirs::find(folder_, std::nullopt).value(), "shop");
        ASSERT_TRUE(paths_->create());
        around_.emplace(Surroundings{context_.get_executor(),
                                     *paths_,
                                     spawner_,
                                     probe_,
                                     history_,
                                     "/opt/mpsup",
                                     "boot",
                                     {{"MPSUP_STATIC_URL", "http://127.0.0.1:8080"}},
                                     topology::Binaries::two,
                                     std::mt19937_64(1),
                                     Bell(context_.get_executor())});
        spec_.name = "docs";
        spec_.root = "/srv";
        spec_.env = {{"COLOUR", {"blue"}}};
        worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    }
    void TearDown() override {
        worker_->stop();
        worker_->kill();
        until([&] { return !worker_->core().has_processes(); });
        worker_->close();
        context_.poll();
        std::filesystem::remove_all(folder_);
    }

    // Runs the event loop until it is so; processes and timers are real, so there is something to wait for.
    bool until(const std::function<bool()>& is_so) {
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (!is_so() && std::chrono::steady_clock::now() < end) {
            context_.restart();
            context_.run_one_for(20ms);
        }
        return is_so();
    }

    pid_t pid() const { return worker_->generations().back()->process.pidfd.pid(); }

    // Says hello as the process that was spawned last; our end of its connection is peer_.
    bool say_hello(const std::string& uuid, pid_t pid, int version = contract::version) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        peer_ = Fd(ends[1]);
        Fd connection(ends[0]);
        contract::Hello hello;
        hello.contract = version;
        hello.identity = {"shop", "docs", worker_->generations().back()->number, uuid};
        hello.pid = pid;
        hello.start_time = process_start_time(pid).value_or(0);
        return worker_->greet(hello, connection);
    }
    bool say_hello() { return say_hello(worker_->generations().back()->uuid, pid()); }
    void say(const contract::Message& message) { ASSERT_TRUE(send_packet(peer_.get(), contract::encode(message))); }
    // The next message that the worker was sent.
    template <typename Body> bool hears() {
        auto packet = receive_packet(peer_.get());
        if (!packet) return false;
        const auto message = contract::decode(packet->bytes);
        heard_fds_ = packet->fds.size();
        return message && std::holds_alternative<Body>(*message);
    }
    void start_and_serve() {
        worker_->start({}, false);
        ASSERT_TRUE(until([&] { return !spawner_.requests.empty() && pid() > 0; }));
        ASSERT_TRUE(say_hello());
        ASSERT_TRUE(hears<contract::Go>());
        say(contract::Ready{});
        ASSERT_TRUE(until([&] { return worker_->core().serving() != 0; }));
    }

    asio::io_context context_;
    std::string folder_;
    std::optional<SitePaths> paths_;
    FakeSpawner spawner_;
    FakeProbe probe_;
    FakeStore store_;
    History history_{store_};
    std::optional<Surroundings> around_;
    topology::WorkerSpec spec_;
    std::shared_ptr<WorkerHandle> worker_;
    Fd peer_;
    std::size_t heard_fds_ = 0;
};

TEST_F(WorkerHandleTest, WritesItsIntentBeforeItSpawns) {
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 1 && store_.starts.size() == 1; }));
    ASSERT_EQ(store_.intents.size(), 1U);
    EXPECT_EQ(store_.intents[0].uuid, store_.starts[0].row.uuid);
    EXPECT_EQ(store_.starts[0].pid, pid());
    EXPECT_GT(store_.starts[0].start_time, 0U);
}

TEST_F(WorkerHandleTest, IsNotHeldUpByAStoreThatDoesNotAnswer) {
    store_.answers = false;
    worker_->start({}, false);
    EXPECT_TRUE(until([&] { return spawner_.requests.size() == 1; }));
}

TEST_F(WorkerHandleTest, TellsItsProcessWhoItIsAndWhereTheOthersAre) {
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 1; }));
    const SpawnRequest& request = spawner_.requests[0];
    EXPECT_EQ(request.executable, "/opt/mpsup/mpsup-light");
    const auto has = [&](const std::string& variable) {
        return std::ranges::find(request.environment, variable) != request.environment.end();
    };
    EXPECT_TRUE(has("COLOUR=blue"));
    EXPECT_TRUE(has("MPSUP_STATIC_URL=http://127.0.0.1:8080"));
    EXPECT_TRUE(has("MPSUP_WORKER=docs"));
    EXPECT_TRUE(has("MPSUP_GENERATION=1"));
}

TEST_F(WorkerHandleTest, LetsAProcessServeThatSaidHelloGotReadyAndPassedItsProbes) {
    start_and_serve();
    EXPECT_EQ(heard_fds_, 2U) << "its private listener and the access log";
    EXPECT_TRUE(hears<contract::Serve>());
    EXPECT_GE(probe_.targets.size(), 3U);
    EXPECT_EQ(worker_->core().state(), core::WorkerState::ready);
}

TEST_F(WorkerHandleTest, ListensToNobodyElse) {
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return !spawner_.requests.empty() && pid() > 0; }));
    EXPECT_FALSE(say_hello("another uuid", pid()));
    EXPECT_FALSE(say_hello(worker_->generations().back()->uuid, ::getpid())) << "another process";
    EXPECT_TRUE(say_hello());
    EXPECT_FALSE(say_hello()) << "twice";
}

TEST_F(WorkerHandleTest, ReplacesAProcessThatDies) {
    start_and_serve();
    const pid_t first = pid();
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 2; }));
    const auto exited = std::ranges::find(store_.events, state::EventKind::exited, &state::EventRow::kind);
    ASSERT_NE(exited, store_.events.end());
    EXPECT_EQ(exited->pid, first);
    EXPECT_EQ(exited->exit, ExitStatus::signalled(SIGKILL));
}

TEST_F(WorkerHandleTest, KillsAProcessThatTalksNonsense) {
    start_and_serve();
    ASSERT_TRUE(send_packet(peer_.get(), "{\"type\":\"child_ready\",\"pid\":\"rubbish\"}"));
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 2; }));
    EXPECT_EQ(worker_->core().crashes(), 1);
}

TEST_F(WorkerHandleTest, KillsAProcessThatAnnouncesAChildThatIsNotIts) {
    start_and_serve();
    const auto stranger = Pidfd::open(::getppid());
    ASSERT_TRUE(stranger);
    const auto board = contract::make_scoreboard().value();
    const int fds[] = {stranger->fd(), board.get()};
    ASSERT_TRUE(send_packet(peer_.get(), contract::encode(contract::ChildStarted{::getppid(), 1}), fds));
    EXPECT_TRUE(until([&] { return worker_->core().crashes() == 1; }));
}

TEST_F(WorkerHandleTest, BacksOffWhenNothingCanBeSpawned) {
    spawner_.refuses = true;
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return worker_->core().state() == core::WorkerState::backoff; }));
    EXPECT_EQ(worker_->core().last_failure(), "fork: no room");
}

TEST_F(WorkerHandleTest, GivesAProcessWhatASecretHoldsWhenItIsStarted) {
    const std::string path = folder_ + "/secret";
    std::ofstream(path) << "tiger\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    spec_.env = {{"DB", {.secret_file = path}}};
    spec_.health.readiness.exec = {"/bin/true"};
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    start_and_serve();
    EXPECT_EQ(std::ranges::count(spawner_.requests.at(0).environment, std::string("DB=tiger")), 1);
    EXPECT_EQ(std::ranges::count(probe_.targets.at(0).environment, std::string("DB=tiger")), 1)
        << "a probe's program has it too";
}

TEST_F(WorkerHandleTest, IsNotJudgedByAProbeThatCannotBeMade) {
    const std::string path = folder_ + "/secret";
    std::ofstream(path) << "tiger\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    spec_.env = {{"DB", {.secret_file = path}}};
    spec_.health.every = 10ms;
    spec_.health.liveness.exec = {"/bin/true"};
    spec_.health.fails = 1;
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    start_and_serve();
    const auto liveness = [&] {
        return std::ranges::count_if(probe_.targets, [](const ProbeTarget& target) { return !target.exec.empty(); });
    };
    ASSERT_TRUE(until([&] { return liveness() > 0; }));
    std::filesystem::permissions(path, std::filesystem::perms(0604));
    const auto before = liveness();
    const auto all = probe_.targets.size();
    ASSERT_TRUE(until([&] { return probe_.targets.size() > all + 20; })) << "readiness goes on";
    EXPECT_LE(liveness(), before + 1);
    EXPECT_EQ(worker_->core().state(), core::WorkerState::ready);
    EXPECT_EQ(spawner_.requests.size(), 1U) << "it is not replaced";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    EXPECT_TRUE(until([&] { return liveness() > before + 1; })) << "it goes on when it can";
}

TEST_F(WorkerHandleTest, BacksOffWhenASecretCannotBeRead) {
    spec_.env = {{"DB", {.secret_file = folder_ + "/none"}}};
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return worker_->core().state() == core::WorkerState::backoff; }));
    EXPECT_EQ(worker_->core().last_failure(), "the secret DB: `" + folder_ + "/none`: there is no such file");
    EXPECT_TRUE(spawner_.requests.empty());
}

TEST_F(WorkerHandleTest, TellsAPoolThatRunsItsNewSize) {
    spec_.kind = topology::Kind::dynamic;
    spec_.app = folder_ + "/app.psgi";
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    start_and_serve();
    ASSERT_TRUE(hears<contract::Serve>());
    topology::Pool pool;
    pool.size = 7;
    worker_->resize(pool);
    const auto packet = receive_packet(peer_.get());
    ASSERT_TRUE(packet);
    const auto message = contract::decode(packet->bytes).value();
    const auto* order = std::get_if<contract::Resize>(&message);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->pool.max, 7);
    EXPECT_EQ(worker_->spec().pool, pool) << "what is started later has it too";
    EXPECT_EQ(worker_->core().rules().pool, 7);
    EXPECT_EQ(spawner_.requests.size(), 1U) << "nothing is started for it";
}

// An accelerator with a cache of 1 MiB.
topology::WorkerSpec accelerator() {
    topology::WorkerSpec spec;
    spec.name = "docs";
    spec.kind = topology::Kind::accelerator;
    spec.listen = {{"127.0.0.1", 80}};
    topology::RouteSpec& route = spec.front.edit().routes.emplace_back();
    route.to = {"perl"};
    route.rule.cache.on = true;
    route.cache_size = 1 << 20;
    return spec;
}

// The descriptor of a role in `go`, and what it says.
std::pair<contract::Go, Fd> read_go(int peer, contract::FdRole role) {
    auto packet = receive_packet(peer);
    if (!packet) return {};
    auto message = contract::decode(packet->bytes);
    const auto* go = message ? std::get_if<contract::Go>(&*message) : nullptr;
    if (!go) return {};
    const auto found = std::ranges::find(go->fds, role);
    if (found == go->fds.end()) return {*go, Fd()};
    return {*go, std::move(packet->fds[static_cast<std::size_t>(found - go->fds.begin())])};
}

ino_t inode_of(const Fd& fd) {
    struct stat status{};
    EXPECT_EQ(::fstat(fd.get(), &status), 0);
    return status.st_ino;
}

TEST_F(WorkerHandleTest, GivesTheMemoryOfACacheToEachProcessAfterTheOther) {
    worker_ = std::make_shared<WorkerHandle>(*around_, accelerator(), 0);
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return !spawner_.requests.empty() && pid() > 0; }));
    ASSERT_TRUE(say_hello());
    const auto [go, first] = read_go(peer_.get(), contract::FdRole::cache);
    ASSERT_TRUE(is_sealed_memfd(first.get(), 1 << 20));
    EXPECT_EQ(go.kind, contract::WorkerKind::accelerator);
    EXPECT_EQ(go.front.cache_memory, 1U << 20U);
    EXPECT_EQ(go.front.routes.at(0).backends.at(0).address, "unix:" + paths_->pool_folder() + "/perl.sock");
    ASSERT_EQ(::kill(pid(), SIGKILL), 0);
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 2 && pid() > 0; }));
    ASSERT_TRUE(say_hello());
    const auto [again, second] = read_go(peer_.get(), contract::FdRole::cache);
    ASSERT_TRUE(second);
    EXPECT_EQ(inode_of(first), inode_of(second)) << "what the one kept, the next finds";
}

TEST_F(WorkerHandleTest, TellsWhatTheProcessThatServesAnswers) {
    worker_ = std::make_shared<WorkerHandle>(*around_, accelerator(), 0);
    start_and_serve();
    ASSERT_TRUE(hears<contract::Serve>());
    std::optional<Result<std::string>> answer;
    const auto ask = [&]() -> asio::awaitable<void> { answer = co_await worker_->ask(R"({"what":"cache_stats"})"); };
    asio::co_spawn(context_, ask(), asio::detached);
    std::optional<contract::Ask> asked;
    ASSERT_TRUE(until([&] {
        auto packet = receive_packet(peer_.get());
        auto message = packet ? contract::decode(packet->bytes) : failure("nothing yet");
        if (message && std::holds_alternative<contract::Ask>(*message)) asked = std::get<contract::Ask>(*message);
        return asked.has_value();
    }));
    EXPECT_EQ(asked->text, R"({"what":"cache_stats"})");
    say(contract::Answer{asked->id + 1, "to nobody"});
    say(contract::Answer{asked->id, R"({"stats":{}})"});
    ASSERT_TRUE(until([&] { return answer.has_value(); }));
    EXPECT_EQ(answer->value(), R"({"stats":{}})");
    EXPECT_EQ(worker_->core().crashes(), 0);
}

// What the worker was sent: addresses that are out; nothing: another message, or none.
std::optional<std::vector<std::string>> heard_out(int peer) {
    const auto packet = receive_packet(peer);
    if (!packet) return std::nullopt;
    const auto message = contract::decode(packet->bytes);
    const auto* backends = message ? std::get_if<contract::Backends>(&*message) : nullptr;
    return backends ? std::optional(backends->out) : std::nullopt;
}

TEST_F(WorkerHandleTest, TellsAnAcceleratorWhichBackendsAreOut) {
    spec_ = accelerator();
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    start_and_serve();
    ASSERT_TRUE(hears<contract::Serve>()) << "nothing before anybody has said it";
    around_->backends_out = {"10.9.0.2:8090"};
    worker_->tell_backends_out();
    EXPECT_EQ(heard_out(peer_.get()), (std::vector<std::string>{"10.9.0.2:8090"}));
    ASSERT_EQ(::kill(pid(), SIGKILL), 0);
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 2 && worker_->generations().back()->process.pidfd; }));
    ASSERT_TRUE(say_hello());
    ASSERT_TRUE(hears<contract::Go>());
    EXPECT_EQ(heard_out(peer_.get()), (std::vector<std::string>{"10.9.0.2:8090"})) << "right behind go";
    around_->backends_out->clear();
    worker_->tell_backends_out();
    EXPECT_EQ(heard_out(peer_.get()), std::vector<std::string>{});
}

TEST_F(WorkerHandleTest, SaysNothingOfBackendsToWhoDoesNotKnowThem) {
    spec_ = accelerator();
    around_->backends_out = {"10.9.0.2:8090"};
    worker_ = std::make_shared<WorkerHandle>(*around_, spec_, 0);
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return !spawner_.requests.empty() && pid() > 0; }));
    ASSERT_TRUE(say_hello(worker_->generations().back()->uuid, pid(), contract::version_with_backends - 1));
    ASSERT_TRUE(hears<contract::Go>());
    worker_->tell_backends_out();
    EXPECT_FALSE(receive_packet(peer_.get()));
}

TEST_F(WorkerHandleTest, AsksHowMuchIsInHand) {
    start_and_serve();
    ASSERT_TRUE(hears<contract::Serve>());
    const auto answered = [&](const std::string& text) {
        std::optional<Result<std::uint64_t>> count;
        asio::co_spawn(
            context_, [&]() -> asio::awaitable<void> { count = co_await worker_->in_flight(); }, asio::detached);
        std::uint64_t id = 0;
        EXPECT_TRUE(until([&] {
            if (id != 0) return true;
            auto packet = receive_packet(peer_.get());
            const auto message = packet ? contract::decode(packet->bytes) : failure("none");
            if (const auto* ask = message ? std::get_if<contract::Ask>(&*message) : nullptr) id = ask->id;
            return id != 0;
        }));
        say(contract::Answer{id, text});
        EXPECT_TRUE(until([&] { return count.has_value(); }));
        return count.value_or(failure("no answer"));
    };
    EXPECT_EQ(answered(R"({"in_flight":3})").value_or(99), 3U);
    EXPECT_FALSE(answered(R"({"error":"it does not know"})"));
}

TEST_F(WorkerHandleTest, KillsAProcessThatAsks) {
    start_and_serve();
    say(contract::Ask{1, "{}"});
    EXPECT_TRUE(until([&] { return worker_->core().crashes() == 1; }));
}

TEST_F(WorkerHandleTest, RemembersMaintenanceForWhateverComes) {
    worker_ = std::make_shared<WorkerHandle>(*around_, accelerator(), 0);
    ASSERT_TRUE(worker_->set_maintenance(true));
    worker_->start({}, false);
    ASSERT_TRUE(until([&] { return !spawner_.requests.empty() && pid() > 0; }));
    ASSERT_TRUE(say_hello());
    EXPECT_TRUE(read_go(peer_.get(), contract::FdRole::cache).first.front.maintenance);
    ASSERT_TRUE(worker_->set_maintenance(false));
    EXPECT_TRUE(hears<contract::Ask>()) << "it is told at once";
    EXPECT_FALSE(worker_->is_in_maintenance());
    EXPECT_TRUE(worker_->set_maintenance(false)) << "once more";
}

TEST_F(WorkerHandleTest, DrainsTheOldWhenTheNewIsAdmitted) {
    start_and_serve();
    ASSERT_TRUE(hears<contract::Serve>());
    Fd old_peer = std::move(peer_);
    const auto number = worker_->prepare(spec_, {});
    ASSERT_TRUE(until([&] { return spawner_.requests.size() == 2 && pid() > 0; }));
    ASSERT_TRUE(say_hello());
    say(contract::Ready{});
    ASSERT_TRUE(until([&] { return worker_->core().progress(number) == core::Progress::standing_by; }));
    EXPECT_FALSE(receive_packet(old_peer.get())) << "the old one is told nothing before that";
    worker_->admit(number);
    const auto packet = receive_packet(old_peer.get());
    ASSERT_TRUE(packet);
    EXPECT_TRUE(std::holds_alternative<contract::Drain>(contract::decode(packet->bytes).value()));
}

} // namespace
} // namespace mpsup
