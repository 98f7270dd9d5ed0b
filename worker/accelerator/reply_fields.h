// The fields of an upstream's response as the client gets them.
#pragma once

#include "worker/accelerator/public_address.h"
#include "worker/accelerator/response_parser.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::accelerator {

/// What a child of a pool says about itself: "PID GENERATION MICROSECONDS".
struct ChildNote {
    int pid = 0;
    std::uint64_t generation = 0;
    std::uint64_t heavy_us = 0; // time that the child spent on the request

    [[nodiscard]] static std::optional<ChildNote> parse(std::string_view text) noexcept;
};

/// What the application asks of the server before it, by fields that clients never see.
struct Directives {
    std::string_view file;                       // X-Sendfile: an absolute path
    std::string_view redirect;                   // X-Accel-Redirect: an internal URL
    std::optional<bool> buffering;               // X-Accel-Buffering: yes or no
    std::optional<std::chrono::seconds> expires; // X-Accel-Expires, from now; 0: not to be kept
    std::optional<ChildNote> child;
};

struct ReplyPlan {
    AddressMap map;
    std::string_view request_id;
    std::int64_t now = 0;   // seconds since the epoch, for X-Accel-Expires: @time
    bool from_pool = false; // Mpsup-Child may be believed
    std::span<const std::pair<std::string, std::string>> overrides{}; // of the route; an empty value takes one away
    bool upgrade = false; // the reply is the 101 that was asked for: Upgrade stays
};

/// Owned by one request; its memory is used again. Hop-by-hop fields, Content-Length, X-Accel-*, X-Sendfile and Mpsup-*
/// are left out; Location, Content-Location, Refresh, Link and Set-Cookie are rewritten (public_address.h); Via and X-Request-Id
/// are added.
class ReplyFields {
public:
    /// `head` and what `plan` views must outlive what fields() returns.
    void build(const UpstreamHead& head, const ReplyPlan& plan);

    [[nodiscard]] std::span<const http::Field> fields() const noexcept { return fields_; }
    /// The same without what is of this one request: X-Request-Id, and what was added since.
    [[nodiscard]] std::span<const http::Field> lasting() const noexcept { return fields().first(lasting_); }
    [[nodiscard]] const Directives& directives() const noexcept { return directives_; }
    /// One more, behind the others; it must outlive this as well.
    void add(std::string_view name, std::string_view value) { fields_.push_back({name, value}); }
    /// Takes away those of such a name.
    void drop(bool (*is_unwanted)(std::string_view name)) {
        const auto end = fields_.begin() + static_cast<std::ptrdiff_t>(lasting_);
        const auto is_dropped = [&](const http::Field& field) { return is_unwanted(field.name); };
        lasting_ -= static_cast<std::size_t>(std::count_if(fields_.begin(), end, is_dropped));
        std::erase_if(fields_, is_dropped);
    }

private:
    [[nodiscard]] bool take_directive(const http::Field& field, const ReplyPlan& plan);
    void add_rewritten(const http::Field& field, const ReplyPlan& plan);

    std::vector<http::Field> fields_;
    std::size_t lasting_ = 0;
    std::list<std::string> made_; // values that were rewritten; a list, for they must not move
    Directives directives_;
};

} // namespace mpsup::accelerator
