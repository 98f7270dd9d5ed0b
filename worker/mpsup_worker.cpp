// mpsup-worker: serves files; to run Perl it loads the engine, perl.so, from the folder that it lies in itself.
#include "worker/dynamic/pool.h"
#include "worker/perl/plugin_loader.h"
#include "worker/program.h"

#include <filesystem>

namespace {

int run_pool(mpsup::WorkerStart start) {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return mpsup::dynamic::run_pool(mpsup::perl::load_plugin(program.parent_path() / "perl.so"), std::move(start));
}

} // namespace

int main(int argc, char** argv, char** environment) {
    return mpsup::run_worker("mpsup-worker", {argc, argv, environment}, run_pool);
}
