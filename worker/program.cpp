#include "worker/program.h"

#include "worker/http/error_log.h"
#include "worker/static/light.h"

#include <csignal>
#include <cstdlib>
#include <sys/prctl.h>
#include <utility>

#ifdef __SANITIZE_ADDRESS__
// perl_construct keeps a few bytes that only perl_destruct would free, and that is never called.
extern "C" const char* __lsan_default_suppressions() { return "leak:libperl\n"; } // NOLINT: the sanitizer's name
#endif

namespace mpsup {

namespace {

constexpr std::chrono::seconds go_patience{30};

int fail(const Error& error) {
    http::log_error(http::Severity::error, error.to_string());
    return EXIT_FAILURE;
}

} // namespace

int run_worker(const char* program, MainArguments main, int (*run_pool)(WorkerStart)) {
    // Its memory must stay readable for the supervisor (PR_SET_DUMPABLE is left alone).
    std::signal(SIGPIPE, SIG_IGN);
    auto command_line = contract::CommandLine::parse(main.argc, main.argv);
    if (!command_line) return fail(command_line.error());
    auto session = contract::Session::open(*command_line, command_line->role);
    if (!session) return fail(session.error());
    auto order = session->wait_for_go(go_patience);
    if (!order) return fail(order.error());
    auto& [go, fds] = *order;
    if (go.kind == contract::WorkerKind::static_files) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); // what serves files starts no other program
        return static_files::run_light(*session, go, std::move(fds));
    }
    if (run_pool) return run_pool({main, std::move(*command_line), std::move(*session), std::move(go), std::move(fds)});
    const Error unable{std::string(program) + " serves files only: there is no Perl in it", {}};
    (void)session->send(contract::Failed{unable.to_string()});
    return fail(unable);
}

} // namespace mpsup
