#include "worker/static/range_reply.h"

#include "worker/http/response.h"

#include <array>
#include <cstdio>
#include <random>

namespace mpsup::static_files {

namespace {

// What cannot be in a file but by a chance of one in 2^64.
std::string fresh_boundary() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "mpsup%016llx", static_cast<unsigned long long>(random()));
    return text.data();
}

void send_one(http::Reply& reply, const http::ByteRange& range, const std::shared_ptr<const Form>& form) {
    reply.add_lent("Content-Type", form->media_type);
    reply.add("Content-Range", http::content_range(range, form->size));
    if (!form->file) return reply.lent = std::string_view(form->content).substr(range.first, range.count), void();
    reply.lent_file = form->file.get();
    reply.offset = range.first;
    reply.file_size = range.count;
}

} // namespace

void refuse(http::Reply& reply, int status) {
    reply.status = status;
    reply.add_lent("Content-Type", "text/plain; charset=utf-8");
    if (status == 405) reply.add_lent("Allow", "GET, HEAD");
    if (status == 503) reply.add_lent("Retry-After", "1");
    reply.text = std::to_string(status);
    reply.text += ' ';
    reply.text += http::reason_phrase(status);
    reply.text += '\n';
}

std::optional<std::string_view> wanted_parts(const http::Request& request) noexcept {
    if (request.method != "GET") return std::nullopt;
    std::optional<std::string_view> wanted;
    for (const http::Field& field : request.fields) {
        if (!http::equals_ignoring_case(field.name, "Range")) continue;
        if (wanted) return std::nullopt;
        wanted = field.value;
    }
    return wanted;
}

std::optional<std::vector<http::ByteRange>> select_parts(const http::Request& request, std::string_view field,
                                                         const Form& form, std::time_t now) {
    if (!if_range_holds(request, form.validators, now)) return std::nullopt;
    return http::select_byte_ranges(field, form.size);
}

void send_parts(http::Reply& reply, const std::vector<http::ByteRange>& ranges,
                const std::shared_ptr<const Form>& form) {
    if (ranges.empty()) {
        refuse(reply, 416);
        return reply.add("Content-Range", http::unsatisfied_range(form->size));
    }
    reply.status = 206;
    reply.lender = form;
    if (ranges.size() == 1) return send_one(reply, ranges.front(), form);
    const std::string boundary = fresh_boundary();
    reply.add("Content-Type", "multipart/byteranges; boundary=" + boundary);
    for (const http::ByteRange& range : ranges) {
        std::string head = "\r\n--" + boundary + "\r\nContent-Type: ";
        head.append(form->media_type)
            .append("\r\nContent-Range: ")
            .append(http::content_range(range, form->size))
            .append("\r\n\r\n");
        if (form->file)
            reply.parts.push_back({std::move(head), range.first, range.count});
        else
            reply.text.append(head).append(form->content, range.first, range.count);
    }
    reply.text += "\r\n--" + boundary + "--\r\n";
    reply.lent_file = form->file.get();
}

} // namespace mpsup::static_files
