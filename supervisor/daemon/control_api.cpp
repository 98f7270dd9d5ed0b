#include "supervisor/daemon/control_api.h"

#include "supervisor/control/build_id.h"
#include "supervisor/daemon/api_words.h"
#include "supervisor/daemon/asking.h"
#include "supervisor/daemon/operations.h"
#include "supervisor/daemon/scaling.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int usage = 2;

Outcome alone() { return {usage, "this supervisor is the only one: it was not started with --cluster"}; }

// For the history.
std::string caller_of(const ControlAnswer& answer) {
    ucred who{};
    socklen_t size = sizeof who;
    if (answer.socket() < 0 || ::getsockopt(answer.socket(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return "";
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const bool is_known = ::getpwuid_r(who.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found;
    return is_known ? std::string(found->pw_name) : "uid " + std::to_string(who.uid);
}

} // namespace

ControlApi::ControlApi(Site& site, Orders& orders, Commands& commands, ClusterLink* cluster, ApiProcess process)
    : site_(site),
      orders_(orders),
      cluster_(cluster),
      process_(std::move(process)),
      reading_(
          {.paths = site.around().paths,
           .commands = commands,
           .status = [this] { return site_.status(process_.view()); },
           .version = [this] { return version(); },
           .ask = [&site](std::vector<std::string> workers,
                          std::string question) { return ask_workers(site, std::move(workers), std::move(question)); },
           .machines = process_.machines,
           .trust = cluster ? &cluster->trust() : nullptr,
           .topologies = process_.topologies}) {}

asio::awaitable<void> ControlApi::serve_peer(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
    return reading_.serve_peer(std::move(request), std::move(answer));
}

asio::awaitable<void> ControlApi::serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
    if (request.method == "GET") co_return co_await reading_.serve(std::move(request), std::move(answer));
    if (request.method != "POST") co_return answer->reply(404, R"({"error":"there is no such thing here"})");
    const Report report = [answer](const ReportLine& line) { answer->line(progress_line(line)); };
    if (request.path == "/v1/up") co_return co_await serve_up(request.body, false, report, *answer);
    if (request.path == "/v1/reload") co_return co_await serve_up(request.body, true, report, *answer);
    if (request.path == "/v1/rollback") co_return co_await serve_rollback(request.body, report, *answer);
    if (request.path == "/v1/promote" || request.path == "/v1/abort") {
        const bool promotes = request.path == "/v1/promote";
        if (!cluster_) co_return answer->line(result_line(orders_.say_to_rollout(promotes)));
        cluster::Order wanted = cluster::AbortOrder{};
        if (promotes) wanted = cluster::PromoteOrder{};
        co_return co_await order(std::move(wanted), report, *answer);
    }
    if (request.path.starts_with("/v1/cluster/")) co_return co_await serve_fence(request, report, *answer);
    if (request.path == "/v1/restart") co_return co_await serve_restart(request.body, report, *answer);
    if (request.path == "/v1/reset") co_return co_await serve_reset(request.body, report, *answer);
    if (request.path == "/v1/scale") co_return co_await serve_scale(request.body, report, *answer);
    if (request.path == "/v1/upgrade") co_return co_await serve_upgrade(request.body, report, *answer);
    if (request.path == "/v1/ask") co_return co_await serve_ask(request.body, *answer);
    if (request.path == "/v1/maintenance")
        co_return answer->line(
            result_line(set_maintenance(site_, texts_in(request.body, "workers"), has_flag(request.body, "on"))));
    if (request.path == "/v1/down") co_return co_await serve_down(report, *answer);
    answer->reply(404, R"({"error":"there is no such verb"})");
}

std::string ControlApi::version() const {
    return json::serialize(json::object{
        {"version", MPSUP_VERSION}, {"build", build_id()}, {"pid", ::getpid()}, {"started_ms", process_.started_ms}});
}

asio::awaitable<void> ControlApi::serve_up(const std::string& body, bool all_anew, const Report& report,
                                           ControlAnswer& answer) {
    auto request = up_request_in(body);
    if (!request) co_return answer.line(result_line({usage, "bad request"}));
    const bool is_first = !site_.applied();
    const UpManner how{.all_anew = all_anew, .fast = has_flag(body, "fast")};
    const std::string name = all_anew ? "reload" : "up";
    if (cluster_) co_return co_await bring_up_everywhere(std::move(*request), UpManner(how), report, answer);
    const Outcome outcome = co_await orders_.up(name, std::move(*request), report, how);
    answer.line(result_line(outcome));
    // A supervisor whose first topology did not come up has nothing to supervise.
    if (is_first && outcome.code != 0 && outcome.code != Outcome::busy && !orders_.has_processes())
        process_.end(outcome.code);
}

// A topology that is not new changes nothing: then all of it is restarted.
asio::awaitable<void> ControlApi::bring_up_everywhere(UpRequest request, UpManner how, const Report& report,
                                                      ControlAnswer& answer) {
    const std::string who = caller_of(answer);
    Outcome outcome = co_await cluster_->up(std::move(request), how.fast, who, report);
    if (outcome.code == 0 && how.all_anew) {
        cluster::Order all = cluster::RestartOrder{{}, {}, how.fast};
        outcome = co_await cluster_->order(std::move(all), who, report);
    }
    answer.line(result_line(outcome));
}

// What waits for the cluster's word about an order.
asio::awaitable<void> ControlApi::order(cluster::Order order, const Report& report, ControlAnswer& answer) {
    std::string who = caller_of(answer);
    const Outcome outcome = co_await cluster_->order(std::move(order), std::move(who), report);
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_fence(const ControlRequest& request, const Report& report,
                                              ControlAnswer& answer) {
    const std::string word = request.path.substr(std::string_view("/v1/cluster/").size());
    if (!cluster_) co_return answer.line(result_line(alone()));
    if (word == "accept") {
        std::string who = caller_of(answer);
        const Outcome outcome = co_await cluster_->accept_store(std::move(who), report);
        co_return answer.line(result_line(outcome));
    }
    const auto* what =
        std::ranges::find(cluster::fence_verbs, word, &std::pair<std::string_view, cluster::FenceOrder::What>::first);
    const std::string machine = text_in(request.body, "machine");
    if (what == cluster::fence_verbs.end()) co_return answer.reply(404, R"({"error":"there is no such verb"})");
    if (machine.empty()) co_return answer.line(result_line({usage, word + " needs a machine"}));
    cluster::Order wanted =
        cluster::FenceOrder{what->second, machine, has_flag(request.body, "wait"), has_flag(request.body, "force")};
    co_await order(std::move(wanted), report, answer);
}

asio::awaitable<void> ControlApi::serve_restart(const std::string& body, const Report& report, ControlAnswer& answer) {
    auto workers = texts_in(body, "workers");
    auto machines = texts_in(body, "machines");
    if (cluster_) {
        cluster::Order wanted = cluster::RestartOrder{workers, std::move(machines), has_flag(body, "fast")};
        co_return co_await order(std::move(wanted), report, answer);
    }
    if (!machines.empty()) co_return answer.line(result_line(alone()));
    const Outcome outcome =
        co_await orders_.perform("restart", restart(site_, workers, has_flag(body, "fast"), report), workers);
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_rollback(const std::string& body, const Report& report, ControlAnswer& answer) {
    auto workers = texts_in(body, "workers");
    auto machines = texts_in(body, "machines");
    if (cluster_) {
        cluster::Order wanted = cluster::RollBackOrder{workers, std::move(machines)};
        co_return co_await order(std::move(wanted), report, answer);
    }
    if (!machines.empty()) co_return answer.line(result_line(alone()));
    const Outcome outcome = co_await orders_.perform("rollback", roll_back(site_, workers, report), workers);
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_reset(const std::string& body, const Report& report, ControlAnswer& answer) {
    auto workers = texts_in(body, "workers");
    const Outcome outcome = co_await orders_.perform("reset", reset(site_, workers, report), workers);
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_scale(const std::string& body, const Report& report, ControlAnswer& answer) {
    std::vector<ScaleOrder> orders;
    std::vector<std::string> workers;
    for (const std::string& text : texts_in(body, "orders")) {
        auto order = parse_scale(text);
        if (!order) co_return answer.line(result_line({usage, text + " is no WORKER=NUMBER, WORKER=+N or WORKER=-N"}));
        workers.push_back(order->worker);
        orders.push_back(std::move(*order));
    }
    auto work = scale(site_, std::move(orders), report);
    const Outcome outcome = co_await orders_.perform("scale", std::move(work), std::move(workers));
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_upgrade(const std::string& body, const Report& report, ControlAnswer& answer) {
    const auto programs = texts_in(body, "program");
    if (programs.size() != 1 || !programs.front().starts_with('/'))
        co_return answer.line(result_line({usage, "upgrade needs the absolute path of one program"}));
    auto work = process_.upgrade(programs.front(), report, answer);
    // It changes no worker, and this process may not see its end.
    const Outcome outcome = co_await orders_.perform("upgrade", std::move(work), {}, false);
    answer.line(result_line(outcome));
}

asio::awaitable<void> ControlApi::serve_ask(const std::string& body, ControlAnswer& answer) {
    const auto questions = texts_in(body, "question");
    if (questions.size() != 1) co_return answer.reply(400, R"({"error":"one question at a time"})");
    std::string text = co_await ask_workers(site_, texts_in(body, "workers"), questions.front());
    answer.reply(200, std::move(text));
}

asio::awaitable<void> ControlApi::serve_down(const Report& report, ControlAnswer& answer) {
    if (cluster_) co_await cluster_->leave(); // others take over at once what was this machine's
    const Outcome outcome = co_await orders_.down(report);
    answer.line(result_line(outcome));
    if (outcome.code == 0) process_.end(0);
}

} // namespace mpsup
