// Where a connection's bytes lie between the socket and the parser.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace mpsup::http {

/// One contiguous growable buffer: [consumed | unread | free]. A pinned prefix (the head of the request in hand) stays
/// at its address until unpin(), while what follows it comes and goes.
class InputBuffer {
public:
    static constexpr std::size_t small = 4096;      // of an ordinary head; what an idle connection keeps at most
    static constexpr std::size_t body_room = 65536; // read in one go while a body streams

    /// `initial`: what is asked for at first, and kept while idle.
    explicit InputBuffer(std::size_t initial = small) noexcept : initial_(initial) {}

    /// What was received and not consumed.
    [[nodiscard]] std::string_view unread() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t count) noexcept { begin_ += count; }

    /// Free room for reading, never empty. Moves or grows what is not pinned.
    [[nodiscard]] std::span<char> space();
    void added(std::size_t count) noexcept { end_ += count; }

    /// The first `count` unread bytes are consumed and stay where they are. Room for `room` bytes behind them (at least one)
    /// is made first: the bytes may move during this call, not after.
    std::string_view pin(std::size_t count, std::size_t room);
    /// The pinned bytes are no longer needed. An empty buffer that had grown gives its memory back.
    void unpin() noexcept;
    /// Gives the memory back. Only when nothing is unread or pinned.
    void release() noexcept;

private:
    void grow(std::size_t capacity);

    std::size_t initial_;
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t pinned_ = 0; // bytes [0, pinned_) must not move
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace mpsup::http
