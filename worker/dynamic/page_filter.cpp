#include "worker/dynamic/page_filter.h"

#include "worker/http/response_writer.h"
#include "worker/http/socket_io.h"

#include <utility>

namespace mpsup::dynamic {

namespace {

using contract::PageFate;

constexpr std::size_t most_kept = 256UL << 10; // of memory for the next page

perl::Reply::Started started(http::HeadProblem problem) {
    using Started = perl::Reply::Started;
    switch (problem) {
    case http::HeadProblem::none: return Started::ok;
    case http::HeadProblem::bad_status: return Started::bad_status;
    case http::HeadProblem::bad_field_name: return Started::bad_field_name;
    case http::HeadProblem::bad_field_value: return Started::bad_field_value;
    }
    std::unreachable();
}

} // namespace

const http::Request& PageFilter::begin(const http::Request& request, perl::Reply& client) {
    request_ = &request;
    client_ = &client;
    holding_ = false;
    return links::hide_map(request, tag_, seen_, own_tags_) ? seen_ : request;
}

perl::Reply::Started PageFilter::start(int status, std::span<const http::Field> fields,
                                       std::optional<std::uint64_t> length, bool close) {
    // What the application is told of bad fields, it is told at once.
    if (const auto problem = http::check_head({status, fields, length, close}); problem != http::HeadProblem::none)
        return started(problem);
    const auto page = links::page_of(status, fields);
    const bool is_page = page && page->kind != links::PageKind::none;
    fields_.assign(fields);
    fields_.rewrite_links(map_, map_.base(request_->path));
    status_ = status;
    close_ = close;
    length_ = length;
    if (!page) tell_(page.error());
    if (status == 304) fields_.tag_as_asked(*request_, tag_);
    if (is_page) fields_.describe_page(tag_);
    if (is_page && length.value_or(0) > links::most_rewritten) {
        tell_(PageFate::too_large);
    } else if (is_page && request_->method == "HEAD") {
        return pass(std::nullopt); // the length of what GET would give is not known
    } else if (is_page) {
        kind_ = page->kind;
        charset_ = page->charset;
        held_.clear();
        holding_ = true;
        began_ = last_ = now_();
        return Started::ok;
    }
    return pass(length);
}

perl::Reply::Started PageFilter::pass(std::optional<std::uint64_t> length) {
    return client_->start(status_, fields_.views(), length, close_);
}

bool PageFilter::write(std::string_view bytes) {
    if (!holding_) return client_->write(bytes);
    if (held_.size() + bytes.size() > links::most_rewritten)
        return release(PageFate::too_large) && client_->write(bytes);
    if (has_waited()) return release(PageFate::streamed) && client_->write(bytes);
    held_ += bytes;
    return true;
}

bool PageFilter::has_waited() {
    const auto now = now_();
    return now - std::exchange(last_, now) > silence || now - began_ > patience;
}

bool PageFilter::send_file(int fd, std::uint64_t offset, std::uint64_t count) {
    if (!holding_) return client_->send_file(fd, offset, count);
    if (held_.size() + count > links::most_rewritten)
        return release(PageFate::too_large) && client_->send_file(fd, offset, count);
    std::string part;
    if (!http::read_part(fd, offset, count, part)) // it became shorter: this will find it too
        return send_held(held_, length_) && client_->send_file(fd, offset, count);
    if (held_.empty())
        held_ = std::move(part);
    else
        held_ += part;
    return true;
}

bool PageFilter::flush() { return !holding_ || release(PageFate::streamed); }

perl::Reply::Started PageFilter::inform(int status, std::span<const http::Field> fields) {
    links::PageFields changed;
    changed.assign(fields);
    changed.rewrite_links(map_, map_.base(request_->path));
    return client_->inform(status, changed.views());
}

perl::Reply::Connection PageFilter::take_connection() {
    if (holding_) static_cast<void>(release(PageFate::streamed)); // whether the client is there, whoever takes it sees
    return client_->take_connection();
}

// As it came, from here on.
bool PageFilter::release(PageFate fate) {
    tell_(fate);
    return send_held(held_, length_);
}

bool PageFilter::send_held(std::string_view content, std::optional<std::uint64_t> length) {
    holding_ = false;
    const bool is_sent = pass(length) == Started::ok && (content.empty() || client_->write(content));
    held_.clear();
    if (held_.capacity() > most_kept) held_.shrink_to_fit();
    return is_sent;
}

bool PageFilter::finish(bool whole) {
    if (!holding_) return whole;
    if (!whole) return static_cast<void>(send_held(held_, length_)), false;
    const auto text = links::rewritten_page(kind_, {held_, request_->path, charset_}, map_);
    tell_(text ? PageFate::rewritten : text.error());
    if (!text) return send_held(held_, held_.size());
    return send_held(*text, text->size());
}

} // namespace mpsup::dynamic
