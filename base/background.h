// Threads for work that an event loop must not wait for.
#pragma once

#include <functional>
#include <memory>

namespace mpsup {

/// Started when there is first something to do, so whoever never has any has no thread. They block all signals. All members
/// may be called from any thread. The destructor waits for nobody: work in hand goes on, what waits is dropped; so a job owns
/// whatever it touches.
class Background {
public:
    struct Options {
        unsigned threads = 1;
        std::size_t waiting = 256; // jobs; more are refused
        int nice = 0;              // as in nice(1): more is less
    };
    explicit Background(const Options& options);
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    /// Calls `job`, which does not throw, in one of the threads. false: there is too much to do, or no thread could be had,
    /// and it will not be called.
    [[nodiscard]] bool run(std::function<void()> job);

private:
    struct Work;
    std::shared_ptr<Work> work_;
};

} // namespace mpsup
