#include "worker/http/input_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace mpsup::http {

std::span<char> InputBuffer::space() {
    if (begin_ == end_) begin_ = end_ = pinned_;
    if (end_ == capacity_ && begin_ > pinned_) {
        const std::size_t count = end_ - begin_;
        std::memmove(data_.get() + pinned_, data_.get() + begin_, count);
        begin_ = pinned_;
        end_ = pinned_ + count;
    }
    if (end_ == capacity_) grow(std::max(initial_, capacity_ * 2));
    return {data_.get() + end_, capacity_ - end_};
}

std::string_view InputBuffer::pin(std::size_t count, std::size_t room) {
    assert(pinned_ == 0 && count <= end_ - begin_);
    // Until unpin() nothing before the end of the head may move, so the room for a body is made here.
    const std::size_t wanted = count + std::max<std::size_t>(room, 1);
    if (capacity_ - begin_ < wanted) grow(std::max(capacity_, wanted));
    const std::string_view pinned{data_.get() + begin_, count};
    begin_ += count;
    pinned_ = begin_;
    return pinned;
}

void InputBuffer::unpin() noexcept {
    pinned_ = 0;
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (capacity_ > initial_) release();
}

void InputBuffer::release() noexcept {
    assert(pinned_ == 0 && begin_ == end_);
    data_.reset();
    capacity_ = begin_ = end_ = 0;
}

void InputBuffer::grow(std::size_t capacity) {
    assert(pinned_ == 0);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    const std::size_t count = end_ - begin_;
    if (count > 0) std::memcpy(larger.get(), data_.get() + begin_, count);
    data_ = std::move(larger);
    capacity_ = capacity;
    begin_ = 0;
    end_ = count;
}

} // namespace mpsup::http
