#include "worker/program.h"

#include "base/output.h"
#include "base/process_identity.h"
#include "worker/contract/link_check.h"
#include "worker/http/error_log.h"
#include "worker/light/certificate_check.h"
#include "worker/light/light.h"
#include "worker/link_check/link_check.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>
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

Error without_perl(const char* program) {
    return {std::string(program) + " serves files only: there is no Perl in it", {}};
}

// An interpreter is not torn down, so this leaves by _exit(2).
[[noreturn]] void show_memory() {
    const auto memory = process_memory(::getpid());
    if (!memory) ::_exit(fail(memory.error()));
    std::printf(R"({"rss_bytes":%llu,"pss_bytes":%llu,"shared_bytes":%llu,"private_bytes":%llu})"
                "\n",
                static_cast<unsigned long long>(memory->resident_bytes),
                static_cast<unsigned long long>(memory->proportional_bytes),
                static_cast<unsigned long long>(memory->shared_bytes),
                static_cast<unsigned long long>(memory->private_bytes));
    ::_exit(std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int measure(const char* program, MainArguments main, const PerlParts& perl, bool with_perl) {
    if (with_perl && !perl.start) return fail(without_perl(program));
    if (with_perl)
        if (auto started = perl.start(main); !started) return fail(started.error());
    show_memory();
}

// `arguments`: CERT KEY CERT KEY …
int check_certificates(std::span<char* const> arguments) {
    std::vector<contract::PairVerdict> verdicts;
    for (; arguments.size() >= 2; arguments = arguments.subspan(2))
        verdicts.push_back(light::check_pair({arguments[0], arguments[1]}));
    std::printf("%s\n", contract::encode_verdicts(verdicts).c_str());
    return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int run_worker(const char* program, MainArguments main, PerlParts perl) {
    // Its memory must stay readable for the supervisor (PR_SET_DUMPABLE is left alone).
    std::signal(SIGPIPE, SIG_IGN);
    remember_output();
    const std::string_view only_argument = main.argc == 2 ? main.argv[1] : "";
    if (only_argument == "--memory" || only_argument == "--memory=perl")
        return measure(program, main, perl, only_argument == "--memory=perl");
    if (only_argument == contract::check_links_option) return link_check::run_link_check();
    const std::span<char* const> arguments(main.argv, static_cast<std::size_t>(main.argc));
    if (arguments.size() > 1 && arguments[1] == contract::check_certificates_option)
        return check_certificates(arguments.subspan(2));
    auto command_line = contract::CommandLine::parse(main.argc, main.argv);
    if (!command_line) return fail(command_line.error());
    auto session = contract::Session::open(*command_line, command_line->role);
    if (!session) return fail(session.error());
    auto order = session->wait_for_go(go_patience);
    if (!order) return fail(order.error());
    auto& [go, fds] = *order;
    if (go.kind != contract::WorkerKind::dynamic) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); // what serves files starts no other program
        return light::run_light(std::move(*session), *command_line, go, std::move(fds));
    }
    if (perl.run_pool)
        return perl.run_pool({main, std::move(*command_line), std::move(*session), std::move(go), std::move(fds)});
    const Error unable = without_perl(program);
    (void)session->send(contract::Failed{unable.to_string()});
    return fail(unable);
}

} // namespace mpsup
