#include "base/background.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace mpsup {

// Shared by the threads, which may outlive whoever started them.
struct Background::Work {
    explicit Work(const Options& wanted) : options(wanted) {}

    const Options options;
    std::mutex mutex;
    std::condition_variable more;
    std::deque<std::function<void()>> waiting;
    unsigned threads = 0;
    unsigned idle = 0;
    bool ended = false;

    void start_thread(const std::shared_ptr<Work>& self);
    void run();
};

// What is created inherits the signal mask.
void Background::Work::start_thread(const std::shared_ptr<Work>& self) {
    sigset_t all{};
    sigset_t before{};
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([self] { self->run(); }).detach();
        ++threads;
    } catch (const std::system_error&) { // no more threads: those that there are do it, or the caller
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Background::Work::run() {
    const auto self = static_cast<id_t>(::gettid());
    if (options.nice != 0) // than the process is
        static_cast<void>(::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + options.nice));
    std::unique_lock lock(mutex);
    while (!ended) {
        if (waiting.empty()) {
            ++idle;
            more.wait(lock);
            --idle;
            continue;
        }
        auto job = std::exchange(waiting.front(), {});
        waiting.pop_front();
        lock.unlock();
        job();
        job = {}; // what it owned goes without the lock
        lock.lock();
    }
}

Background::Background(const Options& options) : work_(std::make_shared<Work>(options)) {}

Background::~Background() {
    std::deque<std::function<void()>> dropped;
    const std::lock_guard lock(work_->mutex);
    work_->ended = true;
    dropped.swap(work_->waiting);
    work_->more.notify_all();
}

bool Background::run(std::function<void()> job) {
    const std::lock_guard lock(work_->mutex);
    if (work_->waiting.size() >= work_->options.waiting) return false;
    if (work_->idle <= work_->waiting.size() && work_->threads < work_->options.threads) work_->start_thread(work_);
    if (work_->threads == 0) return false;
    work_->waiting.push_back(std::move(job));
    work_->more.notify_one();
    return true;
}

} // namespace mpsup
