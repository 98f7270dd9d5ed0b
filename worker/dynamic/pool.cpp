#include "worker/dynamic/pool.h"

#include "worker/dynamic/heap.h"
#include "worker/dynamic/master.h"
#include "worker/dynamic/warm_up.h"

#include <cstdio>
#include <ctime>

namespace mpsup::dynamic {

namespace {

int complain(WorkerStart& start, const Error& error) {
    std::fprintf(stderr, "mpsup: %s\n", error.to_string().c_str());
    (void)start.session.send(contract::Failed{error.to_string()});
    return 1;
}

Result<> prepare(perl::Engine& engine, WorkerStart& start) {
    const contract::ApplicationSource& app = start.go.app;
    if (auto started = engine.start(start.main.argc, start.main.argv, start.main.environment); !started) return started;
    auto loaded = engine.load({app.psgi, app.cgi, app.cgi_mode, app.cgi_modes, app.development});
    if (!engine.is_our_process()) engine.leave(0); // what the application forked and came back: it is no master
    return loaded;
}

} // namespace

int run_pool(Result<perl::Engine*> engine, WorkerStart start) {
    if (!engine) return complain(start, engine.error());
    perl::Engine& perl = **engine;
    if (auto ready = prepare(perl, start); !ready) return complain(start, ready.error());
    for (const std::string& path : start.go.app.warmup) warm_up(perl, path);
    ::tzset(); // reads a file: here once, instead of in each child's first log line
    perl.settle();
    settle_heap();
    auto image = start.go.recycle.reshare ? HeapImage::take() : std::nullopt;
    if (!image) (void)collapse_heap();
    perl.leave(run_master({perl, std::move(start.session), std::move(start.command_line), std::move(start.go),
                           std::move(start.fds), std::move(image)}));
}

} // namespace mpsup::dynamic
