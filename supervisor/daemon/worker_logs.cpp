// The log files of a worker, and the processes that write to them.
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/worker_handle.h"

#include <fcntl.h>

namespace mpsup {

namespace {

constexpr unsigned log_mode = 0640;

void send_logs(ContractLink& link, const contract::Reopen& order, const std::vector<Fd>& files) {
    std::vector<int> fds;
    for (const Fd& file : files) fds.push_back(file.get());
    (void)link.send(order, fds); // who reads nothing for that long goes on in the old ones
}

} // namespace

Fd WorkerHandle::open_log(const std::string& path) const {
    if (around_.logs) return around_.logs->open(path);
    return open_file(path, O_WRONLY | O_CREAT | O_APPEND, log_mode).value_or(Fd());
}

void WorkerHandle::look_at_logs(bool anew) {
    if (!around_.logs) return;
    contract::Reopen order;
    std::vector<Fd> files;
    const auto look_at = [&](contract::FdRole role, const std::string& path) {
        auto file = anew ? std::optional(around_.logs->open(path)) : around_.logs->look(path);
        if (!file) return;
        order.fds.push_back(role);
        files.push_back(std::move(*file));
    };
    look_at(contract::FdRole::output, around_.paths.worker_log(spec_->name));
    if (!files.empty())
        for (const auto& generation : generations_) generation->log.reopened(around_.paths.worker_log(spec_->name));
    look_at(contract::FdRole::access_log, around_.paths.access_log(spec_->name));
    if (files.empty()) return;
    for (const auto& generation : generations_) {
        if (generation->link) send_logs(*generation->link, order, files);
        generation->has_old_logs = generation->process.pidfd && !generation->link; // until its hello
        for (const ServingProcess& master : generation->retiring)
            if (master.link) send_logs(*master.link, order, files);
        for (const auto& [pid, child] : generation->children)
            if (child.link) send_logs(*child.link, order, files);
    }
}

// To a process that was out of reach for a while: files may have been moved away meanwhile.
void WorkerHandle::give_logs(ContractLink& link) const {
    if (!around_.logs) return;
    std::vector<Fd> files;
    files.push_back(open_log(around_.paths.worker_log(spec_->name)));
    files.push_back(open_log(around_.paths.access_log(spec_->name)));
    send_logs(link, {{contract::FdRole::output, contract::FdRole::access_log}}, files);
}

} // namespace mpsup
