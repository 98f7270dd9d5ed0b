// What an event-loop worker does with a request.
#pragma once

#include "base/fd.h"
#include "worker/http/request.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::http {

/// A piece of a file and what is sent before it.
struct FilePart {
    std::string head;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// A reply in the making, owned by the connection and used again for its next request, so that its strings keep their
/// memory. Content is either `text`, or `file`, or when there are `parts`: these of the file, and then `text`.
class Reply {
public:
    int status = 200;
    bool close = false;
    std::string text;
    Fd file; // a regular file, read from `offset`
    std::uint64_t offset = 0;
    std::uint64_t file_size = 0; // bytes to be sent of it; when the file turns out shorter the connection is cut

    std::vector<FilePart> parts;

    /// Empty again, with status 200.
    void clear() noexcept {
        status = 200;
        close = false;
        text.clear();
        file.reset();
        offset = file_size = 0;
        parts.clear();
        count_ = 0;
        used_ = 0;
    }
    /// Name and value are copied. At most eight fields and 2 KiB; what is beyond is dropped.
    void add(std::string_view name, std::string_view value) noexcept {
        if (count_ == fields_.size() || storage_.size() - used_ < name.size() + value.size()) return;
        fields_[count_++] = {keep(name), keep(value)};
    }
    [[nodiscard]] std::span<const Field> fields() const noexcept { return {fields_.data(), count_}; }
    [[nodiscard]] std::uint64_t length() const noexcept {
        if (parts.empty()) return file ? file_size : text.size();
        std::uint64_t sum = text.size();
        for (const FilePart& part : parts) sum += part.head.size() + part.size;
        return sum;
    }

private:
    std::string_view keep(std::string_view part) noexcept {
        char* start = storage_.data() + used_;
        part.copy(start, part.size());
        used_ += part.size();
        return {start, part.size()};
    }

    std::array<Field, 8> fields_{};
    std::size_t count_ = 0;
    std::array<char, 2048> storage_{};
    std::size_t used_ = 0;
};

/// Called in the thread of the event loop, so it must not wait for anything but the file system.
class Handler {
public:
    virtual ~Handler() = default;
    /// Fills `reply`, which is clear. `request` is good during the call only.
    virtual void answer(const Request& request, Reply& reply) = 0;
};

} // namespace mpsup::http
