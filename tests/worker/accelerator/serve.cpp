// An accelerator without a supervisor, for benchmarks: serve PORT CACHE_BYTES THREADS < FRONT.json
#include "base/listener.h"
#include "worker/accelerator/accelerator.h"
#include "worker/contract/scoreboard.h"
#include "worker/http/event_server.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <vector>

namespace {

using namespace mpsup;

int fail(const Error& error) {
    std::cerr << error.to_string() << '\n';
    return 1;
}

int serve(const contract::Front& front, std::uint16_t port, std::uint64_t bytes, int threads) {
    Fd memory;
    std::unique_ptr<cache::Store> store;
    if (bytes > 0) {
        auto made = cache::Store::make_memory(bytes);
        if (!made) return fail(made.error());
        memory = std::move(*made);
        auto attached = cache::Store::attach(memory, {});
        if (!attached) return fail(attached.error());
        store = std::move(*attached);
    }
    auto state = accelerator::AcceleratorState::make(front, store.get());
    if (!state) return fail(state.error());
    auto listener = listen_tcp({"127.0.0.1", port});
    if (!listener) return fail(listener.error());
    std::vector<std::unique_ptr<accelerator::Accelerator>> owned;
    std::vector<http::Handler*> handlers;
    for (int i = 0; i < threads; ++i) {
        auto handler = accelerator::Accelerator::make(**state);
        if (!handler) return fail(handler.error());
        handlers.push_back(owned.emplace_back(std::move(*handler)).get());
    }
    contract::ScoreboardWriter scoreboard;
    http::EventServer server({}, handlers, {}, scoreboard);
    if (auto listening = server.listen(std::move(*listener)); !listening) return fail(listening.error());
    server.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return fail({"usage: serve PORT CACHE_BYTES THREADS < FRONT.json", {}});
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const auto front = contract::decode_front(text);
    if (!front) return fail(front.error());
    return serve(*front, static_cast<std::uint16_t>(std::stoi(argv[1])), std::stoull(argv[2]), std::stoi(argv[3]));
}
