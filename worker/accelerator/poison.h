// Requests that kill whoever serves them.
#pragma once

#include "worker/http/limits.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mpsup::accelerator {

/// Counts, for each method, host and path, how many children in a row died of it. From `deaths` on the request is
/// quarantined: answered with 503 for `time`, and after that its next death is enough. A row ends when there was no death for
/// `pause` times as long. At most `most` are remembered, the oldest are forgotten first. Shared by threads; costs one atomic
/// read while nobody died.
class Poison {
public:
    static constexpr int pause = 10;
    static constexpr std::chrono::seconds sudden{5};

    struct Policy {
        int deaths = 3;
        std::chrono::milliseconds time{600'000};
        std::size_t most = 4096;
    };

    explicit Poison(const Policy& policy) noexcept : policy_(policy) {}
    /// Whom to tell of each quarantine, from any thread. Before the threads start.
    void tell(std::function<void(const std::string& key)> listener) { listener_ = std::move(listener); }
    Poison() noexcept : Poison(Policy{}) {}

    /// What a request is known by.
    [[nodiscard]] static std::string key(std::string_view method, std::string_view host, std::string_view path);

    [[nodiscard]] bool anything_known() const noexcept { return count_.load(std::memory_order_relaxed) > 0; }
    /// For so long still; 0: it is not.
    [[nodiscard]] std::chrono::milliseconds quarantined_for(const std::string& key, http::TimePoint now) const;
    [[nodiscard]] bool quarantined(const std::string& key, http::TimePoint now) const {
        return quarantined_for(key, now).count() > 0;
    }
    /// A child died of it. True: from now on it is quarantined; the listener has been told.
    [[nodiscard]] bool died(const std::string& key, http::TimePoint now);
    /// The same in the midst of an answer, whose head came at `since`. When that is longer ago than `sudden` it does not count:
    /// streams last, and end with their child when that is ended for reasons of its own.
    [[nodiscard]] bool died_answering(const std::string& key, http::TimePoint since, http::TimePoint now) {
        return now - since <= sudden && died(key, now);
    }
    /// It was answered.
    void served(const std::string& key);

private:
    struct Entry {
        int deaths = 0;
        http::TimePoint last;
        http::TimePoint until;
    };

    [[nodiscard]] bool count_death(const std::string& key, http::TimePoint now);
    void make_room();

    const Policy policy_;
    std::function<void(const std::string&)> listener_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_; // guarded by mutex_
    std::atomic<std::size_t> count_{0};              // of entries
};

} // namespace mpsup::accelerator
