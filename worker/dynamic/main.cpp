// mpsup-heavy: a pool master, started by the supervisor.
#include "worker/contract/session.h"
#include "worker/dynamic/master.h"
#include "worker/perl/interpreter.h"

#include <chrono>
#include <cstdio>

namespace {

constexpr std::chrono::seconds go_patience{30};

int complain(const mpsup::Error& error) {
    std::fprintf(stderr, "mpsup-heavy: %s\n", error.to_string().c_str());
    return 1;
}

} // namespace

#ifdef __SANITIZE_ADDRESS__
// perl_construct keeps a few bytes that only perl_destruct would free, and that is never called.
extern "C" const char* __lsan_default_suppressions() { return "leak:libperl\n"; } // NOLINT: the sanitizer's name
#endif

// Perl wants main()'s own three arguments, and keeps pointers to them.
int main(int argc, char** argv, char** environment) {
    using namespace mpsup;
    const auto command_line = contract::CommandLine::parse(argc, argv);
    if (!command_line) return complain(command_line.error());
    auto session = contract::Session::open(*command_line, contract::Role::master);
    if (!session) return complain(session.error());
    auto order = session->wait_for_go(go_patience);
    if (!order) return complain(order.error());
    auto interpreter = perl::Interpreter::start(argc, argv, environment);
    if (!interpreter) {
        (void)session->send(contract::Failed{interpreter.error().to_string()});
        return complain(interpreter.error());
    }
    const int code =
        dynamic::run_master(**interpreter, std::move(*session), order->first, std::move(order->second), *command_line);
    (*interpreter)->leave(code); // the interpreter is not torn down
}
