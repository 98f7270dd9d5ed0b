#include "supervisor/daemon/site.h"

#include "state/queries.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/process/strays.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace mpsup {

namespace {

// Generations are numbered on over the life of a site, so that what the history says of one is said of that one only. What the
// disk refused to remember may still be there.
core::GenerationNumber last_generation(const SitePaths& paths, const std::string& worker) {
    const auto queries = state::Queries::open_any(paths.database());
    return std::max(queries ? queries->last_generation(worker).value_or(0) : 0, paths.last_private_socket(worker));
}

} // namespace

void Site::set_applied(AppliedTopology applied) {
    applied_ = std::move(applied);
    if (around_.logs) around_.logs->set_rules(applied_->topology.logs);
    use_hooks(applied_->topology.hooks);
    listeners_.may_be_absent(applied_->topology.vip.ip);
    const topology::History& keep = applied_->topology.history;
    around_.history.store().set_retention({.raw = keep.raw, .minute = keep.minute, .max_bytes = keep.max});
}

void Site::use_hooks(const topology::Hooks& hooks) {
    if (!around_.hooks) return;
    around_.hooks->set_site_hooks(hooks);
    for (const auto& worker : workers_) worker->set_hooks(worker->spec().hooks); // other hooks, other deadlines
}

void Site::reopen_logs() {
    if (around_.logs) around_.logs->look_at_own(true);
    for (const auto& worker : workers_) worker->look_at_logs(true);
}

std::shared_ptr<WorkerHandle> Site::find(const std::string& name) const {
    const auto found = std::ranges::find_if(workers_, [&](const auto& worker) { return worker->spec().name == name; });
    return found == workers_.end() ? nullptr : *found;
}

std::shared_ptr<WorkerHandle> Site::add(const topology::WorkerSpec& spec) {
    return workers_.emplace_back(
        std::make_shared<WorkerHandle>(around_, spec, last_generation(around_.paths, spec.name)));
}

void Site::remove(const std::string& name) {
    const auto worker = find(name);
    if (!worker) return;
    worker->close();
    std::erase(workers_, worker);
    around_.history.store().worker({name, "", 0, ""});
}

void Site::sort_workers() {
    if (!applied_) return;
    const auto& order = applied_->topology.workers;
    std::ranges::sort(workers_, {}, [&](const auto& worker) {
        return std::ranges::find(order, worker->spec().name, &topology::WorkerSpec::name) - order.begin();
    });
}

Result<std::vector<Listener>> Site::listeners_of(const topology::WorkerSpec& spec) {
    const auto endpoints = endpoints_of(spec, around_.paths);
    auto listeners = listeners_.open(endpoints);
    if (!listeners) return listeners;
    for (Listener& covered : listeners_.covered_by(endpoints)) listeners->push_back(std::move(covered));
    return listeners;
}

void Site::set_backends_out(const std::set<Address>& addresses) {
    auto& out = around_.backends_out.emplace();
    for (const Address& address : addresses) out.push_back(address.to_string());
    for (const auto& worker : workers_) worker->tell_backends_out();
}

bool Site::greet(const contract::Hello& hello, const std::vector<Fd>& fds, Fd& connection) {
    const auto worker = find(hello.identity.worker);
    return worker && worker->greet(hello, connection, fds);
}

bool Site::knows(const contract::Hello& hello) const {
    const auto worker = find(hello.identity.worker);
    return worker && worker->knows(hello.pid);
}

void Site::reap() {
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->reap();
    for (const pid_t pid : stopped_children())
        for (const auto& worker : workers_)
            if (worker->knows(pid)) worker->on_stopped(pid);
    reap_strays([&](pid_t pid) {
        return (around_.commands && around_.commands->knows(pid)) ||
               std::ranges::any_of(workers_, [&](const auto& worker) { return worker->knows(pid); });
    });
}

std::string Site::status(const SupervisorView& supervisor) const {
    std::vector<std::string> workers;
    for (const auto& worker : workers_) workers.push_back(status_json(*worker, wall_clock_ms()));
    SiteView view;
    view.site = std::filesystem::path(around_.paths.state_dir()).filename().string();
    view.supervisor = supervisor;
    if (applied_) {
        view.layout = layout_of(applied_->topology);
        view.topology_path = applied_->path;
        view.topology_digest = applied_->digest;
    }
    return status_json(view, workers);
}

} // namespace mpsup
