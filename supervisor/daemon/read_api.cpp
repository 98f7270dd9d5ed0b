#include "supervisor/daemon/read_api.h"

#include "base/joined.h"
#include "supervisor/daemon/machines_answers.h"
#include "supervisor/daemon/machines_lines.h"
#include "supervisor/daemon/machines_status.h"
#include "supervisor/daemon/own_lines.h"
#include "worker/contract/light_control.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int bad_request = 400;
constexpr int not_found = 404;
constexpr std::size_t usual_events = 50;

std::string error_json(const std::string& what) { return json::serialize(json::object{{"error", what}}); }

std::vector<std::string> names_of(const std::vector<ClusterMachine>& machines) {
    std::vector<std::string> names;
    for (const ClusterMachine& machine : machines) names.push_back(machine.name);
    return names;
}

bool is_lines(const ApiTarget& target) { return target.path == "/v1/events" || target.path == "/v1/logs"; }

// Those that are meant by `machines`, in the order of all; none: this one, as if there were no cluster.
Result<std::vector<ClusterMachine>> chosen_of(const std::vector<ClusterMachine>& all, const ApiTarget& target) {
    const std::vector<std::string> names = target.list("machines");
    if (names.empty()) return std::vector<ClusterMachine>();
    if (names == std::vector<std::string>{"all"}) {
        std::vector<ClusterMachine> counted = all;
        if (is_lines(target)) std::erase_if(counted, [](const auto& machine) { return machine.state == "removed"; });
        return counted;
    }
    if (all.empty()) return failure("the site is on this machine alone: there is no cluster");
    if (std::string unknown = unknown_among("machine", names, names_of(all)); !unknown.empty())
        return failure(std::move(unknown));
    std::vector<ClusterMachine> chosen;
    for (const ClusterMachine& machine : all)
        if (std::ranges::find(names, machine.name) != names.end()) chosen.push_back(machine);
    return chosen;
}

// What another supervisor is asked.
std::string path_for_peer(ApiTarget target, std::optional<std::int64_t> since_ms) {
    target.values.erase("machines");
    if (since_ms) {
        target.values.erase("lines");
        target.values["since_ms"] = std::to_string(*since_ms);
    }
    return target.to_string();
}

bool changes_nothing(const std::string& question) {
    using What = contract::Question::What;
    const auto asked = contract::decode_question(question);
    return asked && (asked->what == What::backends || asked->what == What::explain);
}

LinesManner manner_of(const ApiTarget& target) {
    LinesManner manner{.follow = target.has("follow")};
    if (target.path == "/v1/events")
        manner.last = static_cast<std::size_t>(target.number("lines").value_or(usual_events));
    return manner;
}

} // namespace

PeerManner ReadApi::manner() const {
    PeerManner manner{.trust = *sources_.trust};
    for (const ClusterMachine& machine : machines())
        if (machine.is_here) manner.from = machine.address;
    return manner;
}

asio::awaitable<void> ReadApi::serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
    auto target = ApiTarget::parse(request.path);
    if (!target) co_return answer->reply(bad_request, error_json("the request is not understood"));
    if (target->path == "/v1/version") co_return answer->reply(200, sources_.version());
    if (target->path == "/v1/machines") co_return answer->reply(200, machines_json(machines()));
    if (target->path == "/v1/topologies" && sources_.topologies) co_return answer->reply(200, sources_.topologies());
    auto chosen = chosen_of(machines(), *target);
    if (!chosen) co_return answer->reply(bad_request, error_json(chosen.error().what));
    co_await tell(std::move(*target), std::move(*chosen), std::move(answer));
}

asio::awaitable<void> ReadApi::serve_peer(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
    auto target = ApiTarget::parse(request.path);
    if (!target) co_return answer->reply(bad_request, error_json("the request is not understood"));
    Machines this_one; // a local: g++ 12 destroys temporaries of an await twice
    co_await tell(std::move(*target), std::move(this_one), std::move(answer));
}

asio::awaitable<void> ReadApi::tell(ApiTarget target, Machines chosen, std::shared_ptr<ControlAnswer> answer) {
    if (target.path == "/v1/status") co_return co_await tell_status(std::move(target), std::move(chosen), answer);
    if (target.path == "/v1/answers") co_return co_await tell_answers(std::move(target), std::move(chosen), answer);
    if (is_lines(target)) co_return co_await tell_lines(std::move(target), std::move(chosen), answer);
    answer->reply(not_found, error_json("there is no such thing here"));
}

asio::awaitable<void> ReadApi::tell_status(ApiTarget target, Machines chosen, std::shared_ptr<ControlAnswer> answer) {
    if (chosen.empty()) co_return answer->reply(200, sources_.status());
    const auto replies = co_await ask_others(target, chosen);
    answer->reply(200, machines_status(sources_.status(), chosen, replies));
}

asio::awaitable<void> ReadApi::tell_answers(ApiTarget target, Machines chosen, std::shared_ptr<ControlAnswer> answer) {
    std::string question = target.text("question");
    if (!changes_nothing(question)) co_return answer->reply(bad_request, error_json("that is no question for here"));
    auto workers = target.list("workers");
    std::string own;
    if (chosen.empty() || std::ranges::any_of(chosen, &ClusterMachine::is_here))
        own = co_await sources_.ask(std::move(workers), std::move(question));
    if (chosen.empty()) co_return answer->reply(200, std::move(own));
    const auto replies = co_await ask_others(target, chosen);
    answer->reply(200, machines_answers(own, chosen, replies));
}

asio::awaitable<std::vector<PeerReply>> ReadApi::ask_others(const ApiTarget& target, const Machines& chosen) const {
    std::vector<Peer> peers;
    for (const ClusterMachine& machine : chosen)
        if (!machine.is_here && !machine.api.empty()) peers.push_back({machine.name, machine.api, machine.fingerprint});
    std::string path = path_for_peer(target, std::nullopt);
    PeerManner how = manner();
    auto replies = co_await ask_peers(std::move(peers), std::move(path), std::move(how));
    co_return replies;
}

asio::awaitable<void> ReadApi::tell_lines(ApiTarget target, Machines chosen, std::shared_ptr<ControlAnswer> answer) {
    const ReadLines own = [this, target](std::optional<std::int64_t> since_ms,
                                         OnLineOfMachine on_line) -> asio::awaitable<Result<>> {
        const auto asked = ApiTarget::parse(path_for_peer(target, since_ms));
        auto command = asked ? own_lines_command(sources_.reader, sources_.paths, *asked) : std::nullopt;
        if (!command) co_return failure("a value is not what it should be");
        co_return co_await read_own_lines(sources_.commands, std::move(*command), std::move(on_line));
    };
    if (!own_lines_command(sources_.reader, sources_.paths, target))
        co_return answer->reply(bad_request, error_json("a value is not what it should be"));
    if (chosen.empty()) {
        const OnLineOfMachine pass_on = [answer](std::string line) -> asio::awaitable<bool> {
            answer->line(std::move(line));
            co_return co_await answer->taken();
        };
        const Result<> ended = co_await own(std::nullopt, pass_on);
        if (!ended)
            answer->line(json::serialize(json::object{{"type", "trouble"}, {"why", ended.error().to_string()}}));
        co_return;
    }
    std::vector<LinesOfMachine> sources;
    for (const ClusterMachine& machine : chosen) {
        if (machine.is_here) {
            sources.emplace_back(machine.name, own);
            continue;
        }
        Peer peer{machine.name, machine.api, machine.fingerprint};
        const std::string why = machine.api.empty() ? why_silent(machine, nullptr) : "";
        ReadLines theirs = [this, target, peer, why](std::optional<std::int64_t> since_ms,
                                                     OnLineOfMachine on_line) -> asio::awaitable<Result<>> {
            if (!why.empty()) co_return failure(why);
            std::string path = path_for_peer(target, since_ms); // locals, likewise
            PeerManner how = manner();
            Peer asked = peer;
            co_return co_await read_peer(std::move(asked), std::move(path), std::move(how), std::move(on_line));
        };
        sources.emplace_back(machine.name, std::move(theirs));
    }
    co_await answer_lines(std::move(sources), manner_of(target), std::move(answer));
}

} // namespace mpsup
