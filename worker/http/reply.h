// A whole reply in the making.
#pragma once

#include "base/fd.h"
#include "worker/http/request.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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

/// Owned by the event loop and used again for the next request, of whatever connection, so that it keeps its memory.
/// Content is one of: `text`; `lent`, which lies somewhere else and stays there as long as `lender` is held; `file`; or
/// when there are `parts`, these of the file and then `text`.
class Reply {
public:
    int status = 200;
    bool close = false;
    std::string text;
    std::string_view lent;
    std::shared_ptr<const void> lender; // let go of when the reply is out, in the thread of the loop
    Fd file;                            // a regular file, read from `offset`
    int lent_file = -1;                 // or this one, which is `lender`'s
    std::uint64_t offset = 0;
    std::uint64_t file_size = 0; // bytes to be sent of it; when the file turns out shorter the connection is cut
    std::vector<FilePart> parts;

    /// Empty again, with status 200.
    void clear() noexcept;

    /// Name and value are copied.
    void add(std::string_view name, std::string_view value);
    /// In place of the fields of that name; an empty value takes them away.
    void set(std::string_view name, std::string_view value);
    /// The views are kept: of constants, or of what `lender` holds.
    void add_lent(std::string_view name, std::string_view value) { fields_.push_back({name, value}); }
    [[nodiscard]] std::span<const Field> fields() const noexcept { return fields_; }

    /// HTML as the content, in the place of a text; it is held until the reply is out, as is what `lender` held before.
    void set_page(std::shared_ptr<const std::string> page);

    /// The file that content comes from, or -1.
    [[nodiscard]] int source() const noexcept { return file ? file.get() : lent_file; }
    /// Of the content.
    [[nodiscard]] std::uint64_t length() const noexcept;

private:
    [[nodiscard]] std::string_view keep(std::string_view part);

    std::vector<Field> fields_;
    std::array<char, 2048> storage_{};
    std::size_t used_ = 0;
    std::deque<std::string> overflow_; // what does not fit into storage_
};

} // namespace mpsup::http
