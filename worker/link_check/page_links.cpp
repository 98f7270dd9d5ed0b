#include "worker/link_check/page_links.h"

#include "worker/http/char_class.h"
#include "worker/http/request.h"
#include "worker/links/css_links.h"
#include "worker/links/field_links.h"
#include "worker/links/html_links.h"

#include <algorithm>
#include <set>

namespace mpsup::link_check {

namespace {

using links::AbsoluteUrl;

constexpr std::size_t most_secrets = 100; // of one reply

// The line of each of several places, asked for in their order.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}

    std::uint32_t of(std::size_t at) {
        const std::string_view between = text_.substr(at_, at - at_);
        line_ += static_cast<std::uint32_t>(std::ranges::count(between, '\n'));
        at_ = at;
        return line_;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
};

bool is_type(std::string_view type, std::string_view wanted) {
    return http::equals_ignoring_case(type.substr(0, type.find_first_of("; ")), wanted);
}

std::string_view charset_of(std::string_view type) {
    const std::size_t at = type.find("charset=");
    return at == std::string_view::npos ? "" : type.substr(at + 8, type.find(';', at) - at - 8);
}

bool is_text(std::string_view content_type) {
    std::string type(content_type);
    std::ranges::transform(type, type.begin(), http::lower);
    return type.starts_with("text/") || type.contains("html") || type.contains("xml") || type.contains("json") ||
           type.contains("javascript");
}

// Links, each place that one leads to once.
class Collection {
public:
    void add(const AbsoluteUrl& base, std::string_view of, std::string_view reference, std::uint32_t line,
             bool by_get) {
        auto target = links::resolve(base, reference);
        if (!target) return;
        const std::string text = target->text();
        if (!seen_.insert(text).second) return;
        links_.push_back({{{}, line, std::string(of), std::string(reference), text, by_get}, std::move(*target)});
    }

    std::vector<FoundLink> take() { return std::move(links_); }

private:
    std::set<std::string> seen_;
    std::vector<FoundLink> links_;
};

// Why the text of a reply cannot be looked at.
std::string coded(const PageReply& reply) {
    const std::string_view coding = reply.find("Content-Encoding");
    if (coding.empty() || http::equals_ignoring_case(coding, "identity")) return {};
    return "compressed (" + std::string(coding) + "), which was not asked for";
}

std::string add_page(const PageReply& reply, const AbsoluteUrl& url, Collection& found) {
    const std::string_view charset = charset_of(reply.find("Content-Type"));
    const auto limits = links::ParseLimits::of_page(reply.body.size());
    const auto references = links::html_references({reply.body, url.path, charset}, limits);
    if (!references)
        return references.error() == links::Untouched::encoding
                   ? "in an encoding in which no links are found" + (charset.empty() ? "" : ": " + std::string(charset))
                   : "too costly to parse";
    const std::optional<std::string>& said = references->base;
    const AbsoluteUrl base = said ? links::resolve(url, *said).value_or(url) : url;
    Lines lines(reply.body);
    for (const links::Reference& each : references->references)
        found.add(base, each.of, each.text, lines.of(each.at), each.by_get);
    return {};
}

void add_sheet(const PageReply& reply, const AbsoluteUrl& url, Collection& found) {
    // A style sheet says only in which order; which line is found by looking for the reference.
    std::size_t at = 0;
    Lines lines(reply.body);
    (void)links::css_links(reply.body, [&](std::string_view reference) -> std::optional<links::Edit> {
        if (const std::size_t next = reply.body.find(reference, at); next != std::string::npos) at = next;
        found.add(url, "url()", reference, lines.of(at), true);
        return std::nullopt;
    });
}

bool stands_alone(std::string_view text, std::size_t at, std::size_t size) {
    const auto is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    const auto is_letter = [&](std::size_t i) { return http::lower(text[i]) >= 'a' && http::lower(text[i]) <= 'z'; };
    const bool behind_digit = at > 0 && (is_digit(at - 1) || text[at - 1] == '.');
    const bool behind_name = behind_digit || (at > 0 && (is_letter(at - 1) || text[at - 1] == '-'));
    if (is_digit(at) ? behind_digit : is_letter(at) && behind_name) return false;
    return !(is_digit(at + size - 1) && is_digit(at + size));
}

std::size_t find_alone(std::string_view text, std::string_view secret) {
    for (std::size_t at = text.find(secret); at != std::string_view::npos; at = text.find(secret, at + 1))
        if (stands_alone(text, at, secret.size())) return at;
    return std::string_view::npos;
}

} // namespace

PageLinks links_of(const PageReply& reply, const AbsoluteUrl& url) {
    Collection found;
    for (const auto& [name, value] : reply.fields)
        for (const links::Span& span : links::field_references(name, value).value_or(links::Spans{}))
            found.add(url, name, span.of(value), 0, true);
    const std::string_view type = reply.find("Content-Type");
    std::string unread;
    if (is_text(type) && !reply.body.empty()) unread = coded(reply);
    if (!unread.empty()) return {found.take(), unread};
    if (is_type(type, "text/html") || is_type(type, "application/xhtml+xml")) unread = add_page(reply, url, found);
    if (is_type(type, "text/css")) add_sheet(reply, url, found);
    if (unread.empty() && is_text(type) && reply.is_cut)
        unread = "longer than " + std::to_string(reply.body.size()) + " bytes: the rest was not read";
    return {found.take(), unread};
}

std::vector<std::pair<std::string, std::string>> secrets_in(const PageReply& reply,
                                                            const std::vector<std::string>& secrets) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const std::string& secret : secrets) {
        for (const auto& [name, value] : reply.fields)
            if (find_alone(value, secret) != std::string_view::npos && found.size() < most_secrets)
                found.emplace_back(name, secret);
        if (!is_text(reply.find("Content-Type")) || found.size() >= most_secrets) continue;
        if (const std::size_t at = find_alone(reply.body, secret); at != std::string_view::npos)
            found.emplace_back("line " + std::to_string(Lines(reply.body).of(at)), secret);
    }
    return found;
}

} // namespace mpsup::link_check
