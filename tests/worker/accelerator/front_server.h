// An accelerator on a thread of its own.
#pragma once

#include "tests/worker/http/server.h"
#include "worker/accelerator/accelerator.h"
#include "worker/http/tls_client.h"
#include "worker/http/tls_reload.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace mpsup::accelerator {

/// Serves `front` from its making to its end.
class FrontServer {
public:
    /// `cache`: bytes of cache memory; 0: none. With `front.cache_folder` it has a second tier there.
    explicit FrontServer(contract::Front front, std::uint64_t cache = 0, http::ListenerOptions listener = {})
        : front_(std::move(front)) {
        if (cache > 0) {
            memory_ = cache::Store::make_memory(cache).value();
            store_ = cache::Store::attach(memory_, {}).value();
            if (!front_.cache_folder.empty()) {
                store_->use_disk(
                    cache::DiskTier::make({.folder = front_.cache_folder, .size = front_.cache_disk, .tell = {}}));
                store_->open_disk();
            }
        }
        state_ = AcceleratorState::make(front_, store_.get()).value();
        accelerator_ = Accelerator::make(*state_).value();
        server_ = std::make_unique<http::TestServer>(accelerator_.get(), http::EventServer::Options(),
                                                     std::move(listener), [this](http::EventServer& server) {
                                                         for (const auto& files : state_->tls_clients())
                                                             EXPECT_TRUE(http::reload_when_changed(server, files));
                                                     });
    }

    [[nodiscard]] http::TestClient connect() const { return server_->connect(); }
    /// The whole answer to one request.
    [[nodiscard]] std::string get(std::string_view path, std::string_view fields = {}) const {
        return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n" +
                   std::string(fields) + "\r\n");
    }
    [[nodiscard]] std::string ask(std::string_view request) const {
        http::TestClient client = connect();
        return client.send(request).read_all();
    }
    [[nodiscard]] http::TestServer& server() { return *server_; }
    [[nodiscard]] cache::Store& store() const noexcept { return *store_; }
    [[nodiscard]] AcceleratorState& state() { return *state_; }

private:
    const contract::Front front_;
    Fd memory_;
    std::unique_ptr<cache::Store> store_;
    std::unique_ptr<AcceleratorState> state_;
    std::unique_ptr<Accelerator> accelerator_;
    std::unique_ptr<http::TestServer> server_;
};

/// Everything goes to these addresses.
[[nodiscard]] inline contract::Front front_to(const std::vector<std::string>& addresses) {
    contract::Front front;
    contract::Route route;
    route.target = contract::Route::Target::upstream;
    for (const std::string& address : addresses) route.backends.push_back({address});
    if (!addresses.empty() && addresses.front().starts_with("unix:")) route.pool = "heavy";
    front.routes.push_back(route);
    front.buffer_folder = "/tmp";
    return front;
}

} // namespace mpsup::accelerator
