// mpsup-worker: serves files; to run Perl it loads the engine, perl.so, from the folder that it lies in itself.
#include "worker/dynamic/pool.h"
#include "worker/perl/plugin_loader.h"
#include "worker/program.h"

#include <filesystem>

namespace {

mpsup::Result<mpsup::perl::Engine*> load_perl() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return mpsup::perl::load_plugin(program.parent_path() / "perl.so");
}

int run_pool(mpsup::WorkerStart start) { return mpsup::dynamic::run_pool(load_perl(), std::move(start)); }

mpsup::Result<> start_perl(mpsup::MainArguments main) {
    const auto engine = load_perl();
    if (!engine) return std::unexpected(engine.error());
    return (*engine)->start(main.argc, main.argv, main.environment);
}

} // namespace

int main(int argc, char** argv, char** environment) {
    return mpsup::run_worker("mpsup-worker", {argc, argv, environment}, {run_pool, start_perl});
}
