// What a handler that answers later does with a Session.
#include "worker/http/response_writer.h"
#include "worker/http/session.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

namespace mpsup::http {

namespace {

std::unexpected<std::error_code> no_more(std::errc reason) { return std::unexpected(std::make_error_code(reason)); }

} // namespace

Task<std::expected<std::string_view, std::error_code>> Session::read_body() {
    if (!open_ || turn_->refused || turn_->status != 0) co_return no_more(std::errc::operation_not_permitted);
    http_.want_body();
    while (open_) {
        switch (http_.next(Clock::now())) {
        case Connection::Event::body: co_return http_.body_piece();
        case Connection::Event::body_end: co_return std::string_view();
        case Connection::Event::need_input:
            co_await send_output();
            if (open_) co_await read_more();
            break;
        default: turn_->refused = true; co_return no_more(std::errc::protocol_error);
        }
    }
    co_return no_more(std::errc::connection_aborted);
}

Task<bool> Session::send(Reply& reply) {
    if (!open_ || turn_->refused || turn_->status != 0) co_return false;
    now_ = Clock::now();
    if (!respond(reply)) {
        turn_->refused = true;
        co_return false;
    }
    co_await answer_slowly(reply);
    co_return open_ && turn_->whole;
}

bool Session::begin(const ResponseHead& head) {
    if (!open_ || turn_->refused || turn_->status != 0) return false;
    now_ = Clock::now();
    if (http_.respond(head, turn_->framing, now_) != HeadProblem::none) return false;
    turn_->status = head.status;
    turn_->streaming = true;
    turn_->left = head.length.value_or(0);
    return true;
}

Task<bool> Session::write(std::string_view piece) {
    if (!may_write(piece.size())) co_return false;
    do {
        const IoStatus status = push_piece(piece);
        if (status == IoStatus::blocked)
            co_await wait_writable();
        else if (status != IoStatus::progress)
            open_ = false;
    } while (open_ && !(piece.empty() && http_.output().empty()));
    co_return open_;
}

std::size_t Session::try_write(std::string_view piece) {
    if (!may_write(piece.size())) return 0;
    const std::size_t before = piece.size();
    IoStatus status = IoStatus::progress;
    do status = push_piece(piece);
    while (status == IoStatus::progress && !piece.empty());
    if (status == IoStatus::failed) open_ = false;
    return before - piece.size();
}

Task<bool> Session::write_file(int file, std::uint64_t offset, std::uint64_t size) {
    if (!may_write(size) || turn_->chunk_left != 0) co_return false;
    if (turn_->framing == BodyFraming::none || size == 0) co_return co_await write(std::string_view());
    if (turn_->framing == BodyFraming::chunked) begin_chunk(size);
    co_await send_all(std::string_view(), true);
    const std::uint64_t before = turn_->sent;
    if (open_) co_await send_file(file, offset, size);
    turn_->broken |= turn_->sent - before < size;
    if (turn_->framing == BodyFraming::chunked) http_.queue(chunk_end);
    if (turn_->framing == BodyFraming::length) turn_->left -= turn_->sent - before;
    turn_->chunk_left = 0;
    co_return open_ && !turn_->broken;
}

Task<bool> Session::finish(bool whole) {
    if (!std::exchange(turn_->streaming, false)) co_return false;
    const bool all_there = turn_->framing != BodyFraming::length || turn_->left == 0;
    turn_->whole = whole && !turn_->broken && all_there && turn_->chunk_left == 0;
    if (turn_->whole && turn_->framing == BodyFraming::chunked) http_.queue(last_chunk);
    if (turn_->whole) co_await send_output();
    co_return open_ && turn_->whole;
}

// May `size` bytes more be written?
bool Session::may_write(std::uint64_t size) {
    if (!open_ || !turn_->streaming || turn_->broken) return false;
    turn_->broken = turn_->framing == BodyFraming::length && size > turn_->left;
    return !turn_->broken;
}

void Session::begin_chunk(std::uint64_t size) {
    ChunkSpace space;
    http_.queue(chunk_start(space, size));
    turn_->chunk_left = size;
}

// One chunk, or the whole piece, as far as the client takes it at once.
IoStatus Session::push_piece(std::string_view& piece) {
    std::string_view part = piece;
    std::string_view after;
    if (turn_->framing == BodyFraming::none) {
        part = piece = {};
    } else if (turn_->framing == BodyFraming::chunked && !piece.empty()) {
        if (turn_->chunk_left == 0) begin_chunk(piece.size());
        part = piece.substr(0, turn_->chunk_left);
        if (part.size() == turn_->chunk_left) after = chunk_end;
    }
    const std::size_t before = part.size();
    const IoStatus status = push(part, after, false);
    const std::size_t moved = before - part.size();
    piece.remove_prefix(moved);
    if (turn_->framing == BodyFraming::chunked) turn_->chunk_left -= moved;
    if (turn_->framing == BodyFraming::length) turn_->left -= moved;
    return status;
}

bool Session::inform(int status, std::span<const Field> fields) {
    if (!open_ || turn_->refused || turn_->status != 0) return false;
    if (http_.inform(status, fields) != HeadProblem::none) return false;
    std::string_view nothing;
    if (push(nothing, {}, false) == IoStatus::failed) open_ = false;
    return true;
}

Task<bool> Session::begin_upgrade(std::string_view protocols, std::span<const Field> fields) {
    if (!open_ || turn_->refused || turn_->status != 0) co_return false;
    if (http_.upgrade(protocols, fields, Clock::now()) != HeadProblem::none) co_return false;
    turn_->status = 101;
    turn_->whole = true;
    co_await send_output();
    co_return open_;
}

Task<std::size_t> Session::read_raw(std::span<char> space) {
    if (const std::size_t count = http_.take_raw(space)) co_return count;
    while (open_) {
        const IoResult result = stream_.receive(space);
        if (result.status == IoStatus::progress) {
            http_.write_progress(Clock::now());
            co_return result.count;
        }
        if (result.status != IoStatus::blocked) co_return 0;
        read_until_ = *http_.deadline();
        boost::system::error_code error;
        co_await wait_readable(error);
        read_until_ = TimePoint::max();
        if (error) open_ = false;
    }
    co_return 0;
}

Task<bool> Session::write_raw(std::string_view bytes) {
    co_await send_all(bytes, false);
    http_.write_progress(Clock::now());
    co_return open_;
}

void Session::end_raw(bool both) noexcept {
    stream_.end();
    if (!both) return;
    open_ = false;
    interrupt();
}

} // namespace mpsup::http
