#include "worker/http/reply.h"

#include <utility>

namespace mpsup::http {

namespace {

constexpr std::size_t kept_text = 65536; // more is given back to the system

} // namespace

void Reply::clear() noexcept {
    status = 200;
    close = false;
    text.clear();
    if (text.capacity() > kept_text) std::string().swap(text);
    lent = {};
    lender.reset();
    file.reset();
    lent_file = -1;
    offset = file_size = 0;
    parts.clear();
    fields_.clear();
    used_ = 0;
    overflow_.clear();
}

void Reply::set_page(std::shared_ptr<const std::string> page) {
    set("Content-Type", "text/html; charset=utf-8");
    text.clear();
    lent = *page;
    // Fields may be views of what it held before.
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const std::string>>;
    lender = std::make_shared<Both>(std::move(lender), std::move(page));
}

void Reply::add(std::string_view name, std::string_view value) {
    const std::string_view kept_name = keep(name);
    fields_.push_back({kept_name, keep(value)});
}

void Reply::set(std::string_view name, std::string_view value) {
    std::erase_if(fields_, [&](const Field& field) { return equals_ignoring_case(field.name, name); });
    if (!value.empty()) add(name, value);
}

std::uint64_t Reply::length() const noexcept {
    if (parts.empty()) return source() >= 0 ? file_size : text.size() + lent.size();
    std::uint64_t sum = text.size();
    for (const FilePart& part : parts) sum += part.head.size() + part.size;
    return sum;
}

std::string_view Reply::keep(std::string_view part) {
    if (storage_.size() - used_ < part.size()) return overflow_.emplace_back(part);
    char* start = storage_.data() + used_;
    part.copy(start, part.size());
    used_ += part.size();
    return {start, part.size()};
}

} // namespace mpsup::http
