#include "worker/light/serving.h"

#include "base/background.h"
#include "worker/accelerator/accelerator.h"
#include "worker/accelerator/accelerator_state.h"
#include "worker/http/error_log.h"
#include "worker/http/tls_client.h"
#include "worker/light/accelerator_control.h"
#include "worker/light/backend_record.h"
#include "worker/links/page_head.h"
#include "worker/static/file_handler.h"

#include <atomic>
#include <ctime>
#include <mutex>
#include <vector>

namespace mpsup::light {

namespace {

constexpr std::chrono::milliseconds guest_pause{20};    // what it misses until it writes is not stored
constexpr std::chrono::milliseconds record_pause{2000}; // what is younger is lost when the process is killed

class FileServing final : public Serving {
public:
    static Result<std::unique_ptr<Serving>> make(const contract::Front& front, const contract::Links& links) {
        if (front.routes.size() != 1 || front.routes[0].target != contract::Route::Target::files)
            return failure("a static worker has one folder");
        std::unique_ptr<FileServing> made(new FileServing(links));
        for (std::uint32_t thread = 0; thread < front.threads; ++thread) {
            auto handler = static_files::FileHandler::open(
                front.routes[0], front.error_pages, made->links_,
                [serving = made.get()](contract::PageFate fate) { serving->note(fate); });
            if (!handler) return std::unexpected(handler.error());
            made->owned_.push_back(std::move(*handler));
            made->handlers_.push_back(made->owned_.back().get());
        }
        return made;
    }

    std::span<http::Handler* const> handlers() const noexcept override { return handlers_; }

    void on_page(std::function<void(contract::PageFate)> tell) override { tell_page_ = std::move(tell); }

private:
    explicit FileServing(const contract::Links& links) : links_(links) {}

    // From any thread. The log says it once for each reason.
    void note(contract::PageFate fate) {
        if (tell_page_) tell_page_(fate);
        const unsigned bit = 1U << static_cast<unsigned>(fate);
        if (contract::is_untouched(fate) && (said_.fetch_or(bit, std::memory_order_relaxed) & bit) == 0)
            http::log_error(http::Severity::warning, links::sentence_of(fate));
    }

    const links::SiteLinks links_;
    std::function<void(contract::PageFate)> tell_page_;
    std::atomic<unsigned> said_ = 0;
    std::vector<std::unique_ptr<static_files::FileHandler>> owned_;
    std::vector<http::Handler*> handlers_;
};

// Said by threads that outlive whoever is told.
class Impairment {
public:
    void set(const std::string& what) {
        const std::lock_guard lock(mutex_);
        what_ = what;
        if (tell_) tell_();
    }
    [[nodiscard]] std::string what() const {
        const std::lock_guard lock(mutex_);
        return what_;
    }
    void tell(std::function<void()> tell) {
        const std::lock_guard lock(mutex_);
        tell_ = std::move(tell);
        if (tell_ && !what_.empty()) tell_();
    }

private:
    mutable std::mutex mutex_;
    std::string what_;
    std::function<void()> tell_;
};

void add_disk(cache::Store& store, const contract::Front& front, std::shared_ptr<Impairment> impairment) {
    cache::DiskOptions options;
    options.folder = front.cache_folder;
    options.size = front.cache_disk;
    options.tell = [impairment = std::move(impairment)](bool off, const std::string& what) {
        const std::string text = (off ? "the cache goes without the disk: " : "cache on the disk: ") + what;
        http::log_error(off ? http::Severity::error : http::Severity::warning, text);
        if (off) impairment->set(text);
    };
    store.use_disk(cache::DiskTier::make(std::move(options)));
}

std::unique_ptr<cache::Store> attach_store(const contract::Front& front, const Fd& memory) {
    if (!memory || front.cache_memory == 0) return nullptr;
    auto store = cache::Store::attach(memory, {});
    if (store) return std::move(*store);
    http::log_error(http::Severity::error, "nothing is cached: " + store.error().to_string());
    return nullptr;
}

class FrontServing final : public Serving {
public:
    static Result<std::unique_ptr<Serving>> make(const contract::Front& front, const Fd& memory) {
        std::unique_ptr<FrontServing> made(new FrontServing(front, attach_store(front, memory)));
        auto state = accelerator::AcceleratorState::make(front, made->store_.get());
        if (!state) return std::unexpected(state.error());
        made->state_ = std::move(*state);
        for (std::uint32_t thread = 0; thread < front.threads; ++thread) {
            auto handler = accelerator::Accelerator::make(*made->state_);
            if (!handler) return std::unexpected(handler.error());
            made->owned_.push_back(std::move(*handler));
            made->handlers_.push_back(made->owned_.back().get());
        }
        made->control_.emplace(*made->state_);
        made->record_.read(*made->state_);
        if (made->store_ && !made->is_guest()) made->open(); // who takes over waits until he serves
        return made;
    }

    std::span<http::Handler* const> handlers() const noexcept override { return handlers_; }
    contract::LightControl* control() noexcept override { return control_ ? &*control_ : nullptr; }

    void set_out(std::span<const std::string> addresses) override { state_->set_out(addresses); }
    std::vector<std::shared_ptr<http::TlsFiles>> tls_files() const override {
        return {state_->tls_clients().begin(), state_->tls_clients().end()};
    }

    void on_quarantine(std::function<void(const std::string&)> tell) override {
        state_->poison().tell(std::move(tell));
    }

    ~FrontServing() override {
        if (!store_) return;
        store_->retire();
        if (store_->disk()) store_->disk()->finish(); // what is to be written is
    }
    FrontServing(const FrontServing&) = delete;
    FrontServing& operator=(const FrontServing&) = delete;

    std::string impaired() const override { return impairment_->what(); }
    void on_impaired(std::function<void()> tell) override { impairment_->tell(std::move(tell)); }

    std::chrono::milliseconds keep_up_in() const noexcept override {
        if (must_open()) return guest_pause;
        return record_.is_needed() || disk() ? record_pause : std::chrono::milliseconds(0);
    }

    void keep_up() override {
        record_.write(*state_);
        if (must_open()) return open();
        if (disk() && disk()->is_open())
            static_cast<void>(upkeep_.run([store = store_] {
                store->save_some(std::time(nullptr));
                store->disk()->sync();
            }));
    }

    void hand_over() override {
        record_.write(*state_);
        record_.close();
        if (store_) store_->retire();
    }

private:
    FrontServing(const contract::Front& front, std::unique_ptr<cache::Store> store)
        : record_(front), store_(std::move(store)) {
        if (store_ && front.cache_disk > 0) add_disk(*store_, front, impairment_);
    }

    // Means reading through all that is kept: not in the loop. Asked again while it goes on, it is refused.
    void open() {
        static_cast<void>(upkeep_.run([store = store_] {
            if (store->try_to_write()) store->open_disk();
        }));
    }
    [[nodiscard]] bool must_open() const noexcept { return is_guest() || (disk() && disk()->is_closed()); }
    [[nodiscard]] cache::DiskTier* disk() const noexcept { return store_ ? store_->disk() : nullptr; }

    bool is_guest() const noexcept { return store_ && store_->role() == cache::Store::Role::guest; }

    BackendRecord record_;
    std::shared_ptr<cache::Store> store_; // empty: nothing is cached
    std::unique_ptr<accelerator::AcceleratorState> state_;
    std::vector<std::unique_ptr<accelerator::Accelerator>> owned_;
    std::vector<http::Handler*> handlers_;
    std::optional<AcceleratorControl> control_;
    const std::shared_ptr<Impairment> impairment_ = std::make_shared<Impairment>();
    Background upkeep_{{.threads = 1, .waiting = 1, .nice = 5}};
};

} // namespace

Result<std::unique_ptr<Serving>> Serving::make(const contract::Go& go, const Fd& cache) {
    if (go.kind == contract::WorkerKind::accelerator) return FrontServing::make(go.front, cache);
    return FileServing::make(go.front, go.links);
}

} // namespace mpsup::light
