#include "worker/accelerator/stored_reply.h"

#include "worker/cache/storable.h"
#include "worker/cache/validation.h"

#include <algorithm>
#include <charconv>

namespace mpsup::accelerator {

namespace {

using http::ByteRange;

constexpr std::uint64_t most_copied = std::uint64_t{4} << 20U;

void add_number(http::Reply& reply, std::string_view name, std::uint64_t number) {
    char digits[20];
    const char* end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    reply.add(name, {std::begin(digits), end});
}

// `type`: another one in place of the stored one. Fields are views of what `reply.lender` holds.
void add_fields(http::Reply& reply, std::string_view stored, std::string_view type) {
    thread_local std::vector<http::Field> fields;
    fields.clear();
    cache::split_fields(stored, fields);
    for (const http::Field& field : fields) {
        if (reply.status == 304 && !belongs_to_304(field.name)) continue;
        if (!type.empty() && http::equals_ignoring_case(field.name, "Content-Type")) continue;
        reply.add_lent(field.name, field.value);
    }
    if (!type.empty()) reply.add("Content-Type", type);
}

void append_content(std::string& out, const cache::Hit& hit, std::uint64_t start, std::uint64_t size) {
    for (std::uint64_t at = start; at < start + size;) {
        const std::string_view piece = hit.piece(at).substr(0, static_cast<std::size_t>(start + size - at));
        out += piece;
        at += piece.size();
    }
}

// Content from `start` on; where it lies in several places it is put together.
bool set_content(http::Reply& reply, const cache::Hit& hit, std::uint64_t start, std::uint64_t size) {
    if (size == 0) return true;
    if (hit.is_absent()) return false;
    const std::string_view first = hit.piece(start);
    if (first.size() >= size) {
        reply.lent = first.substr(0, static_cast<std::size_t>(size));
        return true;
    }
    if (size > most_copied) return false;
    append_content(reply.text, hit, start, size);
    return true;
}

constexpr std::string_view parts_type = "multipart/byteranges; boundary=mpsup-part";
constexpr std::string_view parts_end = "\r\n--mpsup-part--\r\n";

// Before each part (RFC 9110 section 14.6).
std::string part_head(const cache::Hit& hit, const ByteRange& range) {
    std::string head = "\r\n--mpsup-part\r\n";
    const std::string_view type = cache::find_field(hit.fields(), "Content-Type").value_or("");
    if (!type.empty()) head.append("Content-Type: ").append(type).append("\r\n");
    return head.append("Content-Range: ").append(content_range(range, hit.size())).append("\r\n\r\n");
}

bool set_parts(http::Reply& reply, const cache::Hit& hit, const std::vector<ByteRange>& ranges) {
    std::uint64_t sum = 0;
    for (const ByteRange& range : ranges) sum += range.count;
    if (sum > most_copied || hit.is_absent()) return false;
    for (const ByteRange& range : ranges) {
        reply.text += part_head(hit, range);
        append_content(reply.text, hit, range.first, range.count);
    }
    reply.text += parts_end;
    return true;
}

bool set_selection(http::Reply& reply, const cache::Hit& hit, const cache::Selection& selection) {
    reply.status = selection.status;
    const std::uint64_t size = hit.size();
    std::string_view type;
    bool done = true;
    if (selection.status == 206 && selection.ranges.size() == 1) {
        const ByteRange& range = selection.ranges.front();
        reply.add("Content-Range", content_range(range, size));
        done = set_content(reply, hit, range.first, range.count);
    } else if (selection.status == 206) {
        type = parts_type;
        done = set_parts(reply, hit, selection.ranges);
    } else if (selection.status == 416) {
        reply.add("Content-Range", "bytes */" + std::to_string(size));
        return true;
    } else if (selection.status != 304) {
        done = set_content(reply, hit, 0, size);
    }
    if (done) add_fields(reply, hit.fields(), type);
    return done;
}

} // namespace

bool belongs_to_304(std::string_view name) noexcept {
    constexpr std::string_view names[] = {"Cache-Control", "Content-Location", "Date", "ETag", "Expires",
                                          "Last-Modified", "Set-Cookie",       "Vary", "Via"};
    return std::ranges::any_of(names, [&](std::string_view each) { return http::equals_ignoring_case(name, each); });
}

bool fill_stored(http::Reply& reply, http::LogNotes& notes, cache::Hit& hit, const cache::CacheRequest& asked,
                 const http::Request& request, const cache::Reuse& reuse, const cache::CacheStatus& status) {
    const auto selection = cache::select_for_client(asked, request.fields, hit.fields(), hit.metadata(), hit.size());
    if (!set_selection(reply, hit, selection)) {
        reply.clear();
        return false;
    }
    add_number(reply, "Age", static_cast<std::uint64_t>(std::max<cache::Seconds>(reuse.age, 0)));
    cache::CacheStatus::Text space;
    reply.add("Cache-Status", status.text(space));
    notes.cache = status.word();
    reply.lender = std::make_shared<cache::Hit>(std::move(hit));
    return true;
}

LargeReply large_reply(const cache::Hit& hit, const cache::CacheRequest& asked, const http::Request& request) {
    auto selection = cache::select_for_client(asked, request.fields, hit.fields(), hit.metadata(), hit.size());
    LargeReply reply;
    reply.status = selection.status;
    if (selection.ranges.empty()) {
        reply.parts.push_back({{}, {0, hit.size()}});
    } else if (selection.ranges.size() == 1) {
        reply.range = content_range(selection.ranges.front(), hit.size());
        reply.parts.push_back({{}, selection.ranges.front()});
    } else {
        for (const ByteRange& range : selection.ranges) reply.parts.push_back({part_head(hit, range), range});
        reply.type = parts_type;
        reply.end = parts_end;
    }
    reply.length = reply.end.size();
    for (const LargeReply::Part& part : reply.parts) reply.length += part.head.size() + part.range.count;
    return reply;
}

} // namespace mpsup::accelerator
