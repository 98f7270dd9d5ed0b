// From the decision to start a generation to the moment it has all it needs; and how it is told to leave.
#include "base/fd_passing.h"
#include "base/listener.h"
#include "base/process_identity.h"
#include "supervisor/daemon/clean_environment.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/secret_file.h"
#include "worker/contract/session.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <ranges>
#include <sys/socket.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

std::string working_directory(const topology::WorkerSpec& spec) {
    if (spec.kind != topology::Kind::dynamic) return "/";
    return spec.app.empty() ? spec.cgi.dir : std::filesystem::path(spec.app).parent_path().string();
}

state::ProcessRole role_of(const topology::WorkerSpec& spec) {
    return spec.kind == topology::Kind::dynamic ? state::ProcessRole::master : state::ProcessRole::light;
}

std::uint64_t bytes_of(const std::optional<std::int64_t>& value) {
    return static_cast<std::uint64_t>(value.value_or(0)); // validated: not negative
}

contract::WorkerKind kind_of(topology::Kind kind) {
    switch (kind) {
    case topology::Kind::static_files: return contract::WorkerKind::static_files;
    case topology::Kind::dynamic: return contract::WorkerKind::dynamic;
    case topology::Kind::accelerator: return contract::WorkerKind::accelerator;
    }
    std::unreachable();
}

std::string without_secret(const std::string& name, const topology::NoSecret& error) {
    return "the secret " + name + ": " + to_string(error);
}

// What the spec says, in the words of the contract; the descriptors come later.
contract::Go order_for(const topology::WorkerSpec& spec, const SitePaths& paths) {
    constexpr std::int64_t usual_jitter = 20;
    constexpr topology::Duration never{0};
    contract::Go go;
    go.kind = kind_of(spec.kind);
    go.grace = spec.stop.grace;
    if (spec.kind != topology::Kind::dynamic) {
        go.front =
            topology::front_of(spec, {paths.pool_folder(), paths.buffer_folder(), paths.cache_folder(spec.name)});
        return go;
    }
    go.files = topology::files_of(spec);
    go.app = {spec.app, spec.cgi.dir, spec.cgi.mode, {}, spec.warmup, spec.development};
    for (const auto& mode : spec.cgi.modes) go.app.cgi_modes.push_back(mode);
    go.pool = pool_size_of(spec.pool);
    const topology::Recycle& recycle = spec.recycle;
    go.recycle = {bytes_of(recycle.requests),   bytes_of(recycle.rss),
                  bytes_of(recycle.unshared),   recycle.age.value_or(never),
                  recycle.idle.value_or(never), static_cast<int>(recycle.jitter.value_or(usual_jitter)),
                  bytes_of(spec.refork_after),  spec.reshare};
    go.limits = {spec.request_timeout.soft.value_or(never), spec.request_timeout.hard.value_or(never),
                 spec.slow.value_or(never)};
    return go;
}

// Listeners beyond those of its spec are as the wildcard that stands for them.
void add_covered(contract::Front& front, const GenerationHandle& generation) {
    const auto wanted = front.listeners; // as many as the spec has addresses
    for (const Listener& listener : generation.listeners | std::views::drop(generation.spec->listen.size())) {
        const auto address = listening_address(listener->get());
        if (!address) continue;
        const auto is_wide = [&](const contract::FrontListener& wide) {
            return Address::parse(wide.address).value_or(Address{}).overlaps(*address);
        };
        const auto wide = std::ranges::find_if(wanted, is_wide);
        if (wide == wanted.end()) continue;
        front.listeners.push_back(*wide);
        front.listeners.back().address = address->to_string();
    }
}

} // namespace

asio::awaitable<void> WorkerHandle::launch(core::GenerationNumber number) {
    const auto self = shared_from_this();
    look_at_logs(false);
    auto* generation = find(number);
    if (!generation) co_return;
    generation->uuid = random_uuid();
    generation->process.uuid = generation->uuid;
    if (around_.hooks && around_.hooks->has(spec_->hooks, topology::HookPoint::pre_start)) {
        HookEvent event{.point = topology::HookPoint::pre_start, .worker = spec_->name, .generation = number};
        const std::string why = co_await around_.hooks->run(spec_->hooks, std::move(event));
        generation = find(number); // what was known before the await may be gone
        if (!generation) co_return;
        if (!why.empty()) {
            core_.on_spawn_failed(number, why, Clock::now(), roll_dice());
            act();
            co_return;
        }
    }
    Result<> done = open_private_listener(*generation);
    if (done) {
        state::ProcessRow row = row_of(*generation, generation->process, role_of(*generation->spec));
        const std::string uuid = row.uuid;
        co_await record_intent(std::move(row));
        failpoint();
        generation = find(number); // what was known before the await may be gone
        if (!generation) {
            around_.history.store().exited({uuid, ExitStatus::unknown(), "was not wanted any more"});
            co_return;
        }
        done = generation->killed ? Result<>(failure("was not wanted any more")) : spawn_process(*generation);
    }
    if (!done) {
        around_.history.store().exited({generation->uuid, ExitStatus::unknown(), done.error().to_string()});
        core_.on_spawn_failed(number, done.error().to_string(), Clock::now(), roll_dice());
    }
    act();
}

Result<> WorkerHandle::open_private_listener(GenerationHandle& generation) {
    const std::string path = around_.paths.private_socket(spec_->name, generation.number);
    auto listener = listen_unix(path, SOCK_STREAM, 0600);
    if (!listener) return std::unexpected(listener.error());
    generation.private_path = path;
    generation.private_listener = std::make_shared<const Fd>(std::move(*listener));
    return {};
}

state::ProcessRow WorkerHandle::row_of(const GenerationHandle& generation, const ServingProcess& process,
                                       state::ProcessRole role) const {
    return {process.uuid, spec_->name, generation.number, role};
}

void WorkerHandle::record_start(const GenerationHandle& generation, const ServingProcess& process,
                                state::ProcessRole role) {
    around_.history.store().started(
        {row_of(generation, process, role), process.pidfd.pid(), process.start_time, around_.boot});
}

asio::awaitable<void> WorkerHandle::record_intent(state::ProcessRow row) {
    struct Receipt {
        explicit Receipt(const asio::any_io_executor& executor) : bell(executor) {}
        Bell bell;
        bool arrived = false; // of the event loop
    };
    auto receipt = std::make_shared<Receipt>(around_.executor);
    around_.history.store().intend(row, [receipt, executor = around_.executor](bool) {
        asio::post(executor, [receipt] {
            receipt->arrived = true;
            receipt->bell.ring();
        });
    });
    const auto deadline = Clock::now() + state::intent_patience;
    while (!receipt->arrived && Clock::now() < deadline) co_await receipt->bell.wait_until(deadline);
}

bool WorkerHandle::could_serve_again(const GenerationHandle& generation, core::GenerationNumber instead_of) const {
    const GenerationHandle* other = find(instead_of);
    const auto own = endpoints(); // one that sleeps would keep an address open where nobody accepts any more
    const auto is_listened_on = [&](const Endpoint& endpoint) { return std::ranges::find(own, endpoint) != own.end(); };
    return other && generation.told == other->told && generation.program == other->program &&
           std::ranges::all_of(endpoints_of(*generation.spec, around_.paths), is_listened_on);
}

ToldOfOthers WorkerHandle::told_of_others() const {
    const auto links = around_.links.find(spec_->name);
    return {around_.urls, links == around_.links.end() ? contract::Links{} : links->second,
            spec_->kind == topology::Kind::dynamic ? around_.servers : std::string()};
}

Result<std::vector<std::string>> WorkerHandle::environment_of(const GenerationHandle& generation) const {
    const topology::WorkerSpec& spec = *generation.spec;
    auto variables = clean_environment();
    for (const auto& [name, url] : generation.told.urls) variables[name] = url;
    if (!generation.told.servers.empty()) variables["MPSUP_LINKS"] = generation.told.servers;
    variables["MPSUP_SITE"] = std::filesystem::path(around_.paths.state_dir()).filename().string();
    variables["MPSUP_WORKER"] = spec.name;
    variables["MPSUP_GENERATION"] = std::to_string(generation.number);
    for (const auto& [name, variable] : spec.env) {
        if (!variable.is_secret()) {
            variables[name] = variable.text;
            continue;
        }
        auto secret = topology::read_secret(variable.secret_file);
        if (!secret) return failure(without_secret(name, secret.error()));
        variables[name] = std::move(*secret);
    }
    return to_lines(variables);
}

Result<> WorkerHandle::spawn_process(GenerationHandle& generation) {
    const Fd log = open_log(around_.paths.worker_log(spec_->name));
    const contract::CommandLine command_line{around_.paths.contract_socket(),
                                             {std::filesystem::path(around_.paths.state_dir()).filename().string(),
                                              spec_->name, generation.number, generation.uuid},
                                             generation.spec->kind == topology::Kind::dynamic ? contract::Role::master
                                                                                              : contract::Role::light};
    generation.program = program_of(around_.build, generation.spec->kind);
    generation.told = told_of_others();
    generation.told_go = false;
    SpawnRequest request;
    request.executable = around_.binaries + "/" + generation.program;
    request.arguments = command_line.to_arguments();
    auto environment = environment_of(generation);
    if (!environment) return std::unexpected(environment.error());
    request.environment = std::move(*environment);
    request.working_directory = working_directory(*generation.spec);
    request.output = log.get();
    auto pidfd = around_.spawner.spawn(request);
    if (!pidfd) return std::unexpected(pidfd.error());
    failpoint();
    ServingProcess& process = generation.process;
    process.pidfd = std::move(*pidfd);
    process.started_ms = wall_clock_ms();
    process.start_time = process_start_time(process.pidfd.pid()).value_or(0);
    record_start(generation, process, role_of(*generation.spec));
    watch(generation, process);
    return {};
}

void WorkerHandle::send_go(GenerationHandle& generation) {
    const topology::WorkerSpec& spec = *generation.spec;
    const Fd access_log = open_log(around_.paths.access_log(spec.name));
    contract::Go go = order_for(spec, around_.paths);
    go.front.maintenance = is_in_maintenance();
    go.links = generation.told.links;
    if (generation.rolled) go.pool = generation.size();
    std::vector<int> fds;
    add_covered(go.front, generation);
    for (const Listener& listener : generation.listeners) {
        go.fds.push_back(contract::FdRole::public_listener);
        fds.push_back(listener->get());
    }
    go.fds.push_back(contract::FdRole::private_listener);
    fds.push_back(generation.private_listener->get());
    go.fds.push_back(contract::FdRole::access_log);
    fds.push_back(access_log.get());
    if (const int cache = cache_for(spec); cache >= 0) {
        go.fds.push_back(contract::FdRole::cache);
        fds.push_back(cache);
    } else {
        go.front.cache_memory = 0;
    }
    if (auto sent = generation.link->send(go, fds); !sent) return distrust(generation, sent.error().to_string());
    failpoint();
    generation.told_go = true;
    if (std::exchange(generation.has_old_logs, false)) give_logs(*generation.link);
    send_backends_out(generation);
}

void WorkerHandle::send_drain(GenerationHandle& generation) {
    generation.draining = true;
    const contract::Drain drain{generation.spec->stop.grace};
    // Whoever cannot be told is told by the deadline of the phase, with SIGKILL.
    if (generation.link && generation.process.pidfd) (void)generation.link->send(drain);
    for (auto& [pid, child] : generation.children)
        if (child.link) (void)child.link->send(drain);
}

void WorkerHandle::kill_all(GenerationHandle& generation) {
    generation.killed = true;
    // ESRCH: it ended by itself, and its pidfd says so.
    if (generation.process.pidfd) (void)generation.process.pidfd.send_signal(SIGKILL);
    for (const ServingProcess& master : generation.retiring) (void)master.pidfd.send_signal(SIGKILL);
    for (auto& [pid, child] : generation.children)
        if (child.pidfd) (void)child.pidfd.send_signal(SIGKILL);
}

} // namespace mpsup
