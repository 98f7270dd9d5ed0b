#include "supervisor/daemon/machines_lines.h"

#include "supervisor/control/resume_point.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/line_merge.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <deque>
#include <set>
#include <utility>

namespace mpsup {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr auto look_again = std::chrono::seconds(2);
constexpr auto breath = std::chrono::milliseconds(500); // between signs that the connection lives

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Everything about one answer; the coroutines that read keep it.
struct Answer {
    Answer(const asio::any_io_executor& executor, std::vector<LinesOfMachine> of, LinesManner how)
        : machines(std::move(of)), manner(how), merge(machines.size()), changed(executor) {}

    std::vector<LinesOfMachine> machines;
    LinesManner manner;
    LineMerge merge;
    Bell changed;
    std::deque<std::string> asides{}; // that are of no time
    std::deque<std::string> kept{};   // the last ones, until no earlier ones can come
    std::set<std::size_t> without{};  // machines that have nothing of the kind
    std::string why_without{};
    bool is_ended = false;

    [[nodiscard]] bool has_nothing() const { return !machines.empty() && without.size() == machines.size(); }
};

// How far the reading of one machine is.
struct Progress {
    ResumePoint told{};
    std::int64_t last_ms = 0;
    bool is_in_trouble = false;
};

void tell_trouble(Answer& all, std::size_t at, Progress& progress, const std::string& why) {
    if (std::exchange(progress.is_in_trouble, true)) return;
    all.asides.push_back(
        json::serialize(json::object{{"type", "trouble"}, {"machine", all.machines[at].machine}, {"why", why}}));
}

void take(Answer& all, std::size_t at, Progress& progress, const std::string& line) {
    boost::system::error_code error;
    const json::value value = json::parse(line, error);
    const json::object* object = error ? nullptr : value.if_object();
    if (!object) return tell_trouble(all, at, progress, "what it answers is not understood");
    const std::string type = text_of(*object, "type");
    if (type == "live") {
        progress.is_in_trouble = false;
        return all.merge.set_live(at);
    }
    if (type == "trouble") return tell_trouble(all, at, progress, text_of(*object, "why"));
    if (type == "nothing") {
        all.without.insert(at);
        all.why_without = text_of(*object, "why");
        return;
    }
    const json::value* when = object->if_contains("at_ms");
    if (when && when->is_int64()) progress.last_ms = when->get_int64();
    progress.is_in_trouble = false;
    if (!progress.told.take(progress.last_ms, line)) return;
    json::object told{{"machine", all.machines[at].machine}};
    for (const auto& [key, member] : *object)
        if (key != "machine") told.emplace(key, member);
    all.merge.push(at, progress.last_ms, json::serialize(told));
}

// Again and again while it is followed.
asio::awaitable<void> read_machine(std::shared_ptr<Answer> all, std::size_t at) {
    const auto progress = std::make_shared<Progress>();
    const OnLineOfMachine on_line = [all, at, progress](std::string line) -> asio::awaitable<bool> {
        if (!line.empty()) {
            take(*all, at, *progress, line);
            all->changed.ring();
        }
        while (!all->is_ended && !all->merge.has_room(at)) co_await all->changed.wait_until(Clock::now() + look_again);
        co_return !all->is_ended;
    };
    std::optional<std::int64_t> since;
    while (!all->is_ended) {
        const Result<> ended = co_await all->machines[at].read(since, on_line);
        if (!ended) tell_trouble(*all, at, *progress, ended.error().to_string());
        if (!all->manner.follow) break;
        all->merge.set_live(at); // nobody waits for it
        all->changed.ring();
        progress->told.interrupt();
        since = progress->told.since_ms();
        if (!all->is_ended) co_await pause_for(look_again);
    }
    all->merge.set_over(at);
    all->changed.ring();
}

void start_reading(const asio::any_io_executor& executor, const std::shared_ptr<Answer>& all) {
    for (std::size_t at = 0; at < all->machines.size(); ++at)
        asio::co_spawn(executor, read_machine(all, at), [all, at](const std::exception_ptr& thrown) {
            Progress unknown;
            if (thrown) tell_trouble(*all, at, unknown, "it could not be read");
            all->merge.set_over(at);
            all->changed.ring();
        });
}

// False: nothing was to be told.
asio::awaitable<bool> tell(Answer& all, ControlAnswer& answer) {
    bool any = !all.asides.empty();
    for (std::string& aside : std::exchange(all.asides, {})) answer.line(std::move(aside));
    while (auto line = all.merge.pop()) {
        all.kept.push_back(std::move(line->text));
        if (all.manner.last && all.kept.size() > *all.manner.last) all.kept.pop_front();
        if (all.manner.last && !all.merge.is_live()) continue;
        any = true;
        for (std::string& kept : std::exchange(all.kept, {})) answer.line(std::move(kept));
        const bool is_taken = co_await answer.taken();
        all.is_ended = all.is_ended || !is_taken;
        if (all.is_ended) break;
    }
    if (all.merge.is_live()) {
        all.manner.last.reset();
        for (std::string& kept : std::exchange(all.kept, {})) answer.line(std::move(kept));
    }
    co_return any;
}

} // namespace

asio::awaitable<void> answer_lines(std::vector<LinesOfMachine> machines, LinesManner manner,
                                   std::shared_ptr<ControlAnswer> answer) {
    const auto executor = co_await asio::this_coro::executor;
    const auto all = std::make_shared<Answer>(executor, std::move(machines), manner);
    start_reading(executor, all);
    auto last_word = Clock::now();
    while (!all->is_ended) {
        const bool is_taken = co_await answer->taken();
        if (!is_taken) break;
        const bool any = co_await tell(*all, *answer);
        if (any) last_word = Clock::now();
        if ((all->merge.is_over() && all->asides.empty()) || all->has_nothing()) break;
        all->changed.ring(); // there is room
        if (!any) co_await all->changed.wait_until(last_word + breath);
        if (Clock::now() >= last_word + breath) {
            answer->line({});
            last_word = Clock::now();
        }
    }
    all->is_ended = true;
    all->changed.ring();
    if (all->has_nothing()) answer->line(json::serialize(json::object{{"type", "nothing"}, {"why", all->why_without}}));
}

} // namespace mpsup
