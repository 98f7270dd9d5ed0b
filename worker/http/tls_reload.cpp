#include "worker/http/tls_reload.h"

#include "worker/http/error_log.h"

#include <sys/timerfd.h>
#include <unistd.h>

namespace mpsup::http {

namespace {

// What happened in between belongs to the same change.
void set_alarm(int timer) {
    const itimerspec second{{0, 0}, {1, 0}};
    ::timerfd_settime(timer, 0, &second, nullptr);
}

void reload(TlsFiles& files) {
    const auto outcome = files.reload();
    if (outcome)
        log_error(Severity::info, "certificates were read anew");
    else
        log_error(Severity::error, outcome.error().to_string() + "; what there was is used on");
}

} // namespace

Result<> reload_when_changed(EventServer& server, std::shared_ptr<TlsFiles> files) {
    if (files->watch_fd() < 0) return failure("the folders of the certificates cannot be watched");
    const auto timer = std::make_shared<Fd>(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!*timer) return system_failure("make a timer");
    server.watch(files->watch_fd(), [files, timer] {
        if (files->changed()) set_alarm(timer->get());
        return true;
    });
    server.watch(timer->get(), [files, timer] {
        std::uint64_t times = 0;
        if (::read(timer->get(), &times, sizeof times) > 0) reload(*files);
        return true;
    });
    return {};
}

} // namespace mpsup::http
