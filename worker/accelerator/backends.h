// Which of several backends a request goes to.
#pragma once

#include "worker/http/limits.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::accelerator {

using http::TimePoint;

struct BackendPolicy {
    int failures = 5;                           // in a row, until a backend is ejected
    std::chrono::milliseconds ejection{10'000}; // the first time; twice as long each time after that
    std::chrono::milliseconds longest{300'000}; // at most; who has been good for as long begins anew
    std::chrono::milliseconds slow_start{30'000};
    bool checked = false;                   // active checks are made
    std::chrono::milliseconds every{5'000}; // between two checks
    int check_failures = 3;                 // in a row: down
    int check_passes = 2;                   // in a row: up again
    bool own_first = false;                 // the first is the pool of this machine; the others are elsewhere
};

/// How a request at a backend ended.
enum class Outcome {
    good,
    bad,     // refused, reset, late, a response that cannot be read, 5xx
    neutral, // says nothing of the backend: the client left
};

/// up: takes requests. down: active checks say so. ejected: requests failed in a row; when its time has passed it is
/// probed, each `every` (or `longest`, if that is less), and returns when that passes, never by trying a client's request.
enum class BackendState { up, down, ejected };

/// Fewest requests in hand, ties in turn. The pool of this machine comes before all others as long as it has room, and is
/// the last resort; nobody checks it but when it is ejected. To backends that are out nothing is sent, whatever their state:
/// somebody else decides that. A backend that comes back gets a growing share of its turns over `slow_start`. At most
/// half of the backends that are not out are ejected at any moment, rounded down: a single one never is. The state of a backend survives its
/// process as text (save, restore). Shared by threads; every call is short.
class Backends {
public:
    Backends(std::vector<std::string> addresses, const BackendPolicy& policy);

    struct View {
        std::string address;
        BackendState state = BackendState::up;
        int connections = 0;
        int ejections = 0;
        int failures = 0;                        // of requests, in a row
        TimePoint until{};                       // ejected: when it is probed
        TimePoint slow_until = TimePoint::min(); // up: when it takes its whole share again
        TimePoint checked_at = TimePoint::min(); // for the last time
        bool check_passed = false;               // then
        bool out = false;
    };

    /// The backend for a request, which counts as its connection until done(). Nothing when none is up. `avoid`: one that
    /// has just failed this request, taken only when it is the last. `own_has_room`: of the pool of this machine.
    [[nodiscard]] std::optional<std::size_t> choose(TimePoint now, std::optional<std::size_t> avoid = std::nullopt,
                                                    bool own_has_room = false);
    /// That request has ended. How long the backend is ejected for, when this was one too many.
    std::optional<std::chrono::milliseconds> done(std::size_t index, Outcome outcome, TimePoint now);

    /// A backend that is to be probed now; it is not named again before checked() or `every`.
    [[nodiscard]] std::optional<std::size_t> due(TimePoint now);
    void checked(std::size_t index, bool passed, TimePoint now);

    /// These are out, and no others. Addresses that it does not know make no difference.
    void set_out(std::span<const std::string> addresses);
    /// Could a request go to any other than the pool of this machine?
    [[nodiscard]] bool has_other() const;

    [[nodiscard]] const std::string& address(std::size_t index) const noexcept { return addresses_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return addresses_.size(); }
    [[nodiscard]] std::vector<View> view() const;

    /// A line for each backend that is not simply up: "ADDRESS STATE EJECTIONS MILLISECONDS_LEFT".
    [[nodiscard]] std::string save(TimePoint now) const;
    /// What was saved; backends that are unknown, and lines that make no sense, are passed over.
    void restore(std::string_view text, TimePoint now);

private:
    struct Backend {
        BackendState state = BackendState::up;
        int connections = 0;
        int failures = 0;     // of requests, in a row
        int check_fails = 0;  // in a row
        int check_passes = 0; // in a row
        int ejections = 0;    // not yet forgiven
        double credit = 0;    // of turns, during slow start
        TimePoint until{};    // ejected: when it is probed
        TimePoint up_since = TimePoint::min();
        TimePoint next_check{};
        TimePoint checked_at = TimePoint::min();
        bool out = false;
    };

    [[nodiscard]] bool is_own(std::size_t index) const noexcept { return policy_.own_first && index == 0; }
    [[nodiscard]] std::optional<std::size_t> choose_other(TimePoint now, std::optional<std::size_t> avoid);
    [[nodiscard]] std::optional<std::size_t> fewest_connections(std::optional<std::size_t> avoid,
                                                                bool settled) const noexcept;
    [[nodiscard]] bool may_take(Backend& backend, TimePoint now) const noexcept;
    [[nodiscard]] bool fail(Backend& backend, TimePoint now);
    void eject(Backend& backend, TimePoint now);
    void probe_again(Backend& backend, TimePoint now) const;
    void come_back(Backend& backend, TimePoint now) const;
    [[nodiscard]] bool may_eject_one_more() const noexcept;

    const std::vector<std::string> addresses_;
    const BackendPolicy policy_;
    mutable std::mutex mutex_;
    std::vector<Backend> backends_; // guarded by mutex_, as everything below
    std::size_t turn_ = 0;
};

} // namespace mpsup::accelerator
