// One connection of an event loop, from accept to close.
#pragma once

#include "worker/http/access_log.h"
#include "worker/http/cold_files.h"
#include "worker/http/connection.h"
#include "worker/http/exchange.h"
#include "worker/http/guards.h"
#include "worker/http/handler.h"
#include "worker/http/server_options.h"
#include "worker/http/stream.h"
#include "worker/http/turn.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

namespace mpsup::contract {
class ScoreboardWriter;
}

namespace mpsup::http {

/// What all loops of a server have in common.
struct ServerParts {
    const ServerOptions options;
    contract::ScoreboardWriter& scoreboard;
    Guards guards{options.guards};
    std::atomic<int> busy{0}; // answers that wait for something
};

/// What the connections of one loop have in common.
struct LoopParts {
    boost::asio::io_context& io;
    ServerParts& server;
    Handler& handler;
    AccessLog log;
    Turns turns{};
    ColdFiles cold_files{io};
};

/// Drives a Connection over a Stream. Everything is called in the thread of the loop; lives until run() has ended. Where it
/// waits it has set a deadline, which tick() enforces.
class Session final : public Exchange {
public:
    /// `listener`, by which it came, outlives the session.
    Session(LoopParts& loop, const ListenerOptions& listener, Stream stream, Client client, TimePoint now);
    ~Session() override;

    [[nodiscard]] Task<> run();

    /// Now and then: ends waits whose deadline has passed, and takes the buffers of a connection that is idle.
    void tick(TimePoint now);
    void drain() noexcept { http_.drain(); }
    /// Since when it has been idle, with nothing of a request here; nothing when it is not.
    [[nodiscard]] std::optional<TimePoint> idle_since() const noexcept { return http_.quiet_since(); }
    /// Closes a connection that is idle.
    void give_up() noexcept;
    /// A handler asked to be told when the client hangs up, and is waiting for something else.
    [[nodiscard]] bool watched() const noexcept;
    [[nodiscard]] int fd() noexcept { return stream_.fd(); }
    /// It did.
    void client_gone();
    /// The loop ends: the request in hand gets its line in the log.
    void abandon();

    [[nodiscard]] const Request& request() const noexcept override { return http_.request(); }
    [[nodiscard]] const Client& client() const noexcept override { return client_; }
    [[nodiscard]] LogNotes& notes() noexcept override { return turn_->notes; }
    [[nodiscard]] boost::asio::io_context& context() noexcept override { return loop_.io; }
    [[nodiscard]] Task<std::expected<std::string_view, std::error_code>> read_body() override;
    [[nodiscard]] Task<bool> send(Reply& reply) override;
    [[nodiscard]] bool begin(const ResponseHead& head) override;
    [[nodiscard]] Task<bool> write(std::string_view piece) override;
    [[nodiscard]] std::size_t try_write(std::string_view piece) override;
    [[nodiscard]] Task<bool> write_file(int file, std::uint64_t offset, std::uint64_t size) override;
    [[nodiscard]] Task<bool> finish(bool whole) override;
    bool inform(int status, std::span<const Field> fields) override;
    void on_gone(std::function<void()> gone) override { turn_->gone = std::move(gone); }
    [[nodiscard]] Task<bool> begin_upgrade(std::string_view protocols, std::span<const Field> fields) override;
    [[nodiscard]] Task<std::size_t> read_raw(std::span<char> space) override;
    [[nodiscard]] Task<bool> write_raw(std::string_view bytes) override;
    void end_raw(bool both) noexcept override;

private:
    // Before the first request.
    [[nodiscard]] Task<bool> arrive();
    [[nodiscard]] Task<bool> read_proxy_header();
    [[nodiscard]] Task<bool> shake_hands();
    [[nodiscard]] bool admit();

    // Reading.
    [[nodiscard]] Task<> read_more();
    [[nodiscard]] Task<> wait_readable(boost::system::error_code& error);
    void interrupt() noexcept;

    // From head to answer.
    [[nodiscard]] bool begin_request();
    [[nodiscard]] bool over_rate(const GuardKey& client);
    void name_local_end();
    [[nodiscard]] Task<> serve();
    [[nodiscard]] Task<> send_own_reply();
    [[nodiscard]] bool respond(Reply& reply);
    [[nodiscard]] bool answer_at_once();
    [[nodiscard]] Task<> answer_slowly(Reply& reply);
    void end_answer(bool whole);
    void record(int status);

    // Writing.
    [[nodiscard]] IoStatus push(std::string_view& content, std::string_view after, bool more_follows);
    [[nodiscard]] IoStatus push_piece(std::string_view& piece);
    void begin_chunk(std::uint64_t size);
    [[nodiscard]] bool may_write(std::uint64_t size);
    [[nodiscard]] Task<> send_all(std::string_view content, bool more_follows);
    [[nodiscard]] Task<> send_output() { return send_all(std::string_view(), false); }
    [[nodiscard]] Task<> send_file(int file, std::uint64_t start, std::uint64_t size);
    [[nodiscard]] Task<> send_parts(const Reply& reply);
    [[nodiscard]] Task<> wait_writable();
    [[nodiscard]] bool is_paced() const noexcept { return turn_ && turn_->status != 101; }
    [[nodiscard]] std::uint64_t taken() noexcept;

    LoopParts& loop_;
    const ListenerOptions& listener_;
    Stream stream_;
    Client client_;
    Connection http_;
    std::optional<GuardKey> guard_; // by which it is limited
    std::unique_ptr<Turn> turn_;    // of the request in hand
    TimePoint now_;                 // the last look at the clock: after each wait
    TimePoint read_until_ = TimePoint::max();
    TimePoint write_until_ = TimePoint::max();
    bool open_ = true;
    bool timed_out_ = false;
    bool counted_ = false;  // among the connections of its address
    bool arriving_ = false; // before its first request: PROXY header, TLS
    bool cut_ = false;      // an answer whose end only a reset can tell from a whole one
    bool resting_ = false;  // it was idle for long enough to give up its buffers
};

} // namespace mpsup::http
