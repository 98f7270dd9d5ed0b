// One request and its answer, as a handler that has to wait for others sees them.
#pragma once

#include "worker/http/client_info.h"
#include "worker/http/log_notes.h"
#include "worker/http/reply.h"
#include "worker/http/response.h"
#include "worker/http/task.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <span>
#include <string_view>
#include <system_error>

namespace mpsup::http {

/// Lives in the connection's coroutine while Handler::serve() runs, in the thread of its loop. The answer is one of
///
///   send(reply)                                                   whole
///   begin(head), then write, try_write, write_file…, finish       streamed
///   begin_upgrade(fields), then read_raw, write_raw               bytes both ways until serve() returns
///
/// preceded by inform() any number of times. Content of the request that is not read before the answer begins ends the
/// connection after it. Deadlines are the engine's: of reading (Deadlines::body_stall and body_rate) and of writing
/// (write_stall); while serve() waits for others there is none but its own. false, or an error, says that the client is
/// gone or was told to go: the answer is of no use any more, so return. Returning without an answer is a 502 when the
/// client is still there, returning in the midst of a streamed one cuts it: the client sees that it is not whole.
class Exchange {
public:
    virtual ~Exchange() = default;

    /// Good until serve() returns, all its views too.
    [[nodiscard]] virtual const Request& request() const noexcept = 0;
    [[nodiscard]] virtual const Client& client() const noexcept = 0;
    [[nodiscard]] virtual LogNotes& notes() noexcept = 0;
    [[nodiscard]] virtual boost::asio::io_context& context() noexcept = 0;

    /// The next piece of the content, good until the next call; empty: it is whole. The first call says 100 Continue to a
    /// client that waits for it. Error: the client left, was too slow, framed badly or sent too much; the engine answers.
    [[nodiscard]] virtual Task<std::expected<std::string_view, std::error_code>> read_body() = 0;

    /// Answers, once.
    [[nodiscard]] virtual Task<bool> send(Reply& reply) = 0;

    /// The head of a streamed answer; goes out with the first content. Without `length` it is chunked, or ends with the
    /// connection for HTTP/1.0. false: bad status or fields, and nothing has happened: answer something else.
    [[nodiscard]] virtual bool begin(const ResponseHead& head) = 0;
    /// All of `piece`, waiting for the client where it must. Content that a reply cannot have (HEAD, 204, 304) is
    /// thrown away, and more than the announced length is an error. Empty: sends the head alone.
    [[nodiscard]] virtual Task<bool> write(std::string_view piece) = 0;
    /// As much of it as the kernel takes at once. What it did not take must be what the next call begins with.
    [[nodiscard]] virtual std::size_t try_write(std::string_view piece) = 0;
    /// `size` bytes of a regular file from `offset` on; the file stays the caller's.
    [[nodiscard]] virtual Task<bool> write_file(int file, std::uint64_t offset, std::uint64_t size) = 0;
    /// The end. `whole` false, or fewer bytes than announced: the connection is cut so that the client notices.
    [[nodiscard]] virtual Task<bool> finish(bool whole) = 0;

    /// An interim answer: 1xx but 101. false as begin(). Goes out at once as far as the kernel takes it.
    virtual bool inform(int status, std::span<const Field> fields) = 0;

    /// The client hung up, or ended its side, while serve() waits for something else (noticed within 200 ms): `gone` is
    /// called, once at most, in this thread, and not after serve() has returned. The connection is lost from then on.
    /// Set again it replaces the one before.
    virtual void on_gone(std::function<void()> gone) = 0;

    /// 101 with these fields; `protocols` becomes the field Upgrade. false as begin(), and when the request has content or
    /// is of HTTP/1.0. From then on the connection is raw bytes, those included that came right behind the request.
    [[nodiscard]] virtual Task<bool> begin_upgrade(std::string_view protocols, std::span<const Field> fields) = 0;
    /// At least one byte; 0: the client has ended its side, or is gone. One read and one write may wait at the same time,
    /// each in a coroutine of its own.
    [[nodiscard]] virtual Task<std::size_t> read_raw(std::span<char> space) = 0;
    [[nodiscard]] virtual Task<bool> write_raw(std::string_view bytes) = 0;
    /// Ends our side; the client may go on sending. Makes a read that waits return 0 when `both`.
    virtual void end_raw(bool both) noexcept = 0;
};

} // namespace mpsup::http
