// mpsup-heavy: serves files, and runs Perl, which is linked in.
#include "worker/dynamic/pool.h"
#include "worker/program.h"

namespace {

int run_pool(mpsup::WorkerStart start) {
    return mpsup::dynamic::run_pool(&mpsup::perl::linked_engine(), std::move(start));
}

mpsup::Result<> start_perl(mpsup::MainArguments main) {
    return mpsup::perl::linked_engine().start(main.argc, main.argv, main.environment);
}

} // namespace

int main(int argc, char** argv, char** environment) {
    return mpsup::run_worker("mpsup-heavy", {argc, argv, environment}, {run_pool, start_perl});
}
