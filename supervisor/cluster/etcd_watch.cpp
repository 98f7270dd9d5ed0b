#include "supervisor/cluster/etcd_watch.h"

#include "supervisor/transport/http_answer.h"

#include <algorithm>
#include <utility>

namespace mpsup::cluster {

namespace asio = boost::asio;

namespace {

using Clock = Channel::Clock;

constexpr std::size_t line_limit = 4 * 1024 * 1024;

// A watch at one endpoint.
class Watching {
public:
    Watching(std::shared_ptr<Channel> channel, std::chrono::milliseconds patience)
        : channel_(std::move(channel)), answer_(*channel_), patience_(patience) {}

    asio::awaitable<Result<>> begin(std::string request, Channel::Deadline deadline) {
        const auto sent = co_await channel_->write(request, deadline);
        if (!sent) co_return sent;
        const auto status = co_await answer_.head(deadline);
        if (!status) co_return std::unexpected(status.error());
        if (*status == 200) co_return Result<>();
        const auto body = co_await answer_.rest(answer_limit, deadline);
        co_return std::unexpected(read_refusal(static_cast<int>(*status), body.value_or(std::string())));
    }

    // Nothing has to come before the deadline; what has begun does not stop for longer than patience.
    asio::awaitable<Result<WatchNews>> next(Channel::Deadline deadline) {
        for (std::size_t searched = 0;;) {
            if (const auto end = pending_.find('\n', searched); end != std::string::npos) {
                auto news = read_watch(std::string_view(pending_).substr(0, end));
                pending_.erase(0, end + 1);
                co_return news;
            }
            searched = pending_.size();
            if (searched > line_limit) co_return failure("a line of the watch is too long");
            const auto limit = pending_.empty() ? deadline : Clock::now() + patience_;
            const auto piece = co_await answer_.piece(limit);
            if (!piece) co_return std::unexpected(piece.error());
            if (piece->empty()) co_return failure("the watch was ended");
            pending_ += *piece;
        }
    }

private:
    std::shared_ptr<Channel> channel_;
    HttpAnswer answer_;
    std::chrono::milliseconds patience_;
    std::string pending_{};
};

// Changes come in the order of their revisions, and none from before what was asked for.
bool goes_back(const WatchNews& news, Revision& last) {
    for (const Change& change : news.changes)
        if (change.now.modified < std::exchange(last, std::max(last, change.now.modified))) return true;
    return false;
}

Error end_of(const WatchNews& news) {
    if (news.compacted)
        return {"etcd: what changed before revision " + std::to_string(*news.compacted) + " is compacted",
                EtcdCode::out_of_range};
    return {"etcd ended the watch: " + (news.reason.empty() ? "no reason given" : news.reason)};
}

struct WatchEnd {
    Error error;
    bool told = false; // something, so this was the endpoint to ask
};

struct Watch {
    Connections connections;
    Question question;
    Tell tell;
    unsigned turn;

    [[nodiscard]] bool is_ended() const { return connections->cancelled() || connections->watch_turn() != turn; }
};

// What follows when it was ended is not told, though it is here.
asio::awaitable<WatchEnd> tell_all(const Watch& watch, std::size_t endpoint, Watching& watching, Revision from,
                                   Channel::Deadline first) {
    bool told = false;
    for (;;) {
        const auto news = co_await watching.next(told ? Channel::whenever : first);
        if (!news) co_return WatchEnd{news.error(), told};
        if (watch.is_ended()) co_return WatchEnd{cancelled_error(), told};
        if (goes_back(*news, from)) co_return WatchEnd{{"the watch went back to an earlier revision"}, true};
        if (news->over && !told && wants_login(news->reason)) co_return WatchEnd{end_of(*news)};
        if (!std::exchange(told, true)) watch.connections->answered(endpoint);
        watch.tell(*news);
        if (news->over) co_return WatchEnd{end_of(*news), told};
    }
}

asio::awaitable<WatchEnd> watch_once(const Watch& watch, std::size_t endpoint, Revision from) {
    const auto deadline = Clock::now() + watch.question.patience;
    const auto channel = co_await watch.connections->open(endpoint, deadline);
    if (!channel) co_return WatchEnd{channel.error()};
    Watching watching(*channel, watch.question.patience);
    const EtcdConnections& connections = *watch.connections;
    const std::string text = request_text(connections.at(endpoint), watch.question, connections.token);
    const auto begun = co_await watching.begin(text, deadline);
    if (!begun) co_return WatchEnd{begun.error()};
    const auto end = co_await tell_all(watch, endpoint, watching, from, deadline);
    co_return end;
}

asio::awaitable<WatchEnd> watch_one(const Watch& watch, std::size_t endpoint, Revision from) {
    WatchEnd end;
    for (const bool again : {true, false}) {
        const auto logged_in = co_await log_in(watch.connections, endpoint);
        if (!logged_in) co_return WatchEnd{logged_in.error()};
        if (watch.is_ended()) break;
        std::string& token = watch.connections->token;
        const std::string used = token;
        end = co_await watch_once(watch, endpoint, from);
        if (!again || end.told || used.empty() || !wants_login(end.error.what)) break;
        if (token == used) token.clear();
    }
    // The channel was closed by whoever found that nobody is there.
    if (end.error.code == std::errc::operation_canceled)
        end.error = {"does not answer", std::make_error_code(std::errc::connection_aborted)};
    co_return end;
}

} // namespace

asio::awaitable<Error> watch_any(Connections connections, Question question, Revision from, unsigned turn, Tell tell) {
    const Watch watch{connections, std::move(question), std::move(tell), turn};
    Error error{"etcd: no endpoint is known"};
    std::string of_others;
    for (const std::size_t endpoint : connections->order()) {
        const auto end = co_await watch_one(watch, endpoint, from);
        if (watch.is_ended()) co_return cancelled_error();
        if (is_refusal(end.error)) co_return end.error;
        error = at_endpoint(connections->at(endpoint), end.error, of_others);
        if (end.told) break;
        of_others = error.to_string() + "; ";
    }
    co_return error;
}

} // namespace mpsup::cluster
