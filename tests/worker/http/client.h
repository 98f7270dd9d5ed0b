// Plays client and application of one Connection in memory.
#pragma once

#include "worker/http/connection.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::http {

/// Feeds bytes, answers every request with 200 and its body's size, and gathers what comes out.
class MemoryClient {
public:
    explicit MemoryClient(Connection::Options options = {})
        : options_(std::make_unique<Connection::Options>(options)), connection_(*options_, now) {}

    /// Sends `bytes` in pieces of at most `step`.
    MemoryClient& send(std::string_view bytes, std::size_t step = std::string_view::npos) {
        run();
        while (!bytes.empty() && !closed) {
            const auto space = connection_.input_space();
            const std::size_t size = std::min({space.size(), bytes.size(), step});
            std::memcpy(space.data(), bytes.data(), size);
            bytes.remove_prefix(size);
            connection_.received(size, now);
            run();
        }
        return *this;
    }
    MemoryClient& hang_up() {
        connection_.received_end();
        run();
        return *this;
    }
    /// Lets the time pass, the deadline strike, and the connection react.
    MemoryClient& wait(std::chrono::milliseconds time) {
        now += time;
        if (const auto deadline = connection_.deadline(); deadline && *deadline <= now) connection_.expired();
        run();
        return *this;
    }

    /// The status codes of all replies, in order.
    [[nodiscard]] std::vector<int> statuses() const {
        std::vector<int> found;
        for (std::size_t at = received.find("HTTP/1.1 "); at != std::string::npos;
             at = received.find("HTTP/1.1 ", at + 9))
            found.push_back(std::stoi(received.substr(at + 9, 3)));
        return found;
    }

    /// Everything received but what depends on the moment: interim replies and dates.
    [[nodiscard]] std::string replies() const {
        std::string text = received;
        for (std::size_t at = text.find(continue_reply); at != std::string::npos; at = text.find(continue_reply))
            text.erase(at, continue_reply.size());
        for (std::size_t at = text.find("Date: "); at != std::string::npos; at = text.find("Date: "))
            text.erase(at, text.find('\n', at) + 1 - at);
        return text;
    }

    [[nodiscard]] Connection& connection() { return connection_; }

    TimePoint now{};
    std::string received;              // everything the server sent
    std::vector<std::string> requests; // request lines that reached the application
    std::vector<std::string> bodies;   // their bodies
    std::vector<std::string> fields;   // their fields, "name=value;" joined
    bool lingering = false;
    bool closed = false;
    bool want_body = true; // else: answer as soon as the head is there
    bool answering = true; // else: stop at the end of the body

private:
    void run() {
        while (!closed) {
            const auto event = connection_.next(now);
            flush();
            switch (event) {
            case Connection::Event::need_input: return;
            case Connection::Event::head: begin(); break;
            case Connection::Event::body: body_ += connection_.body_piece(); break;
            case Connection::Event::body_end:
                if (!answering) return;
                answer();
                break;
            case Connection::Event::replied:
                flush();
                connection_.finish_response(true, now);
                break;
            case Connection::Event::linger: lingering = true; break;
            case Connection::Event::close: closed = true; break;
            }
        }
    }
    void begin() {
        body_.clear();
        if (want_body) {
            connection_.want_body();
            flush();
        } else {
            answer();
        }
    }
    void answer() {
        const Request& request = connection_.request();
        requests.emplace_back(request.line);
        bodies.push_back(body_);
        std::string joined;
        for (const Field& field : request.fields)
            joined += std::string(field.name) + "=" + std::string(field.value) + ";";
        fields.push_back(joined);
        const std::string content = std::to_string(body_.size());
        const Field type{"Content-Type", "text/plain"};
        BodyFraming framing{};
        const ResponseHead head{200, {&type, 1}, content.size(), false};
        static_cast<void>(connection_.respond(head, framing, now));
        flush();
        if (framing == BodyFraming::length) received += content;
        connection_.finish_response(true, now);
    }
    void flush() {
        received += connection_.output();
        connection_.consume_output(connection_.output().size());
    }

    std::unique_ptr<Connection::Options> options_;
    Connection connection_;
    std::string body_;
};

} // namespace mpsup::http
