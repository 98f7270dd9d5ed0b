#include "supervisor/cluster/etcd_question.h"

#include "supervisor/topology/secret_file.h"
#include "supervisor/transport/http_answer.h"

#include <utility>

namespace mpsup::cluster {

namespace asio = boost::asio;

Error cancelled_error() { return {"etcd", std::make_error_code(std::errc::operation_canceled)}; }

// etcd 3.4, etcdserver/api/v3rpc/rpctypes/error.go.
bool wants_login(std::string_view words) {
    return words.contains("invalid auth token") || words.contains("user name is empty") ||
           words.contains("revision of auth store is old") || words.contains("revision in header is old");
}

std::string request_text(const EtcdEndpoint& endpoint, const Question& question, const std::string& token) {
    std::string text = std::string("POST ") + question.path + " HTTP/1.1\r\nHost: " + endpoint.authority() +
                       "\r\nUser-Agent: mpsup\r\nContent-Type: application/json\r\n" +
                       // A member that lost its leader ends the watch, where it would tell nothing for ever.
                       "Grpc-Metadata-Hasleader: true\r\nContent-Length: " + std::to_string(question.body.size()) +
                       "\r\n";
    if (!token.empty()) text += "Authorization: " + token + "\r\n";
    return text + "\r\n" + question.body;
}

namespace {

struct Attempt {
    Result<> result{};
    bool sent = false;
    bool over_used_connection = false;
};

// One question to one endpoint.
asio::awaitable<Attempt> attempt(Connections connections, std::size_t endpoint, const Question& question,
                                 const std::string& token, const ReadAnswer& read) {
    const auto deadline = Channel::Clock::now() + question.patience;
    Attempt attempt;
    const auto failed = [&](const Error& error) -> Attempt& {
        attempt.result = std::unexpected(error);
        return attempt;
    };
    auto taken = co_await connections->take(endpoint, deadline);
    if (!taken) co_return failed(taken.error());
    attempt.sent = true;
    attempt.over_used_connection = taken->used_before;
    const std::string text = request_text(connections->at(endpoint), question, token);
    const auto sent = co_await taken->channel->write(text, deadline);
    if (!sent) co_return failed(sent.error());
    HttpAnswer answer(*taken->channel);
    const auto status = co_await answer.head(deadline);
    if (!status) co_return failed(status.error());
    const auto body = co_await answer.rest(answer_limit, deadline);
    if (!body) co_return failed(body.error());
    if (answer.leaves_channel_open()) connections->give_back(endpoint, std::move(taken->channel));
    if (*status != 200) co_return failed(read_refusal(static_cast<int>(*status), *body));
    attempt.result = read(*body);
    co_return attempt;
}

} // namespace

asio::awaitable<Result<>> log_in(Connections connections, std::size_t endpoint) {
    const EtcdOptions& options = connections->options();
    if (options.user.empty() || !connections->token.empty()) co_return Result<>();
    const auto password = topology::read_secret(options.password_file);
    if (!password) co_return failure("--cluster-password-file: " + to_string(password.error()));
    const Question question{"/v3/auth/authenticate", login(options.user, *password), options.patience};
    const ReadAnswer read = [&](const std::string& text) -> Result<> {
        auto token = read_token(text);
        if (!token) return std::unexpected(token.error());
        connections->token = std::move(*token);
        return {};
    };
    const std::string no_token;
    const auto asked = co_await attempt(connections, endpoint, question, no_token, read);
    co_return asked.result;
}

namespace {

asio::awaitable<Attempt> ask_one(Connections connections, std::size_t endpoint, const Question& question,
                                 const ReadAnswer& read) {
    Attempt last;
    bool renewed = false, reconnected = false;
    for (;;) {
        if (question.needs_login || renewed) {
            const auto logged_in = co_await log_in(connections, endpoint);
            if (!logged_in) co_return Attempt{logged_in};
        }
        const std::string token = connections->token;
        last = co_await attempt(connections, endpoint, question, token, read);
        if (last.result || connections->cancelled()) break;
        const Error& error = last.result.error();
        const bool has_user = !connections->options().user.empty();
        if (has_user && wants_login(error.what) && !std::exchange(renewed, true)) {
            if (connections->token == token) connections->token.clear();
            continue;
        }
        // One that was kept open may have ended as the question went out: that says nothing of the endpoint.
        if (last.over_used_connection && question.repeatable && !is_refusal(error) &&
            error.code != std::errc::timed_out && !std::exchange(reconnected, true))
            continue;
        break;
    }
    co_return last;
}

} // namespace

Error at_endpoint(const EtcdEndpoint& endpoint, const Error& error, const std::string& of_others) {
    return {of_others + endpoint.url() + ": " + error.what, error.code};
}

asio::awaitable<Result<>> ask(Connections connections, Question question, ReadAnswer read) {
    Error error{"etcd: no endpoint is known"};
    std::string of_others;
    for (const std::size_t endpoint : connections->order()) {
        const Attempt last = co_await ask_one(connections, endpoint, question, read);
        if (connections->cancelled()) co_return std::unexpected(cancelled_error());
        if (last.result || is_refusal(last.result.error())) {
            connections->answered(endpoint);
            if (last.result) co_return last.result;
            co_return std::unexpected(at_endpoint(connections->at(endpoint), last.result.error(), {}));
        }
        connections->failed(endpoint);
        error = at_endpoint(connections->at(endpoint), last.result.error(), of_others);
        if (last.sent && !question.repeatable) break;
        of_others = error.to_string() + "; ";
    }
    co_return std::unexpected(error);
}

} // namespace mpsup::cluster
