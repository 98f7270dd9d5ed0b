// What is called when something happens to a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

/// When. A hook of the first that fails keeps a generation from being started, one of `pre_roll` a roll from beginning;
/// whatever else fails is written down.
enum class HookPoint { pre_start, post_ready, pre_stop, post_exit, pre_roll, post_roll, on_alert };
[[nodiscard]] std::string_view to_string(HookPoint point) noexcept;

/// A program or a URL, one of the two.
struct Hook {
    std::vector<std::string> exec{}; // the program, by its absolute path, and its arguments
    std::string webhook{};           // http://HOST[:PORT][/PATH]: gets a POST
    std::chrono::milliseconds timeout{10'000};

    friend bool operator==(const Hook&, const Hook&) = default;
};

/// In the order in which they are called. No empty lists.
using Hooks = std::map<HookPoint, std::vector<Hook>>;

struct HttpUrl {
    std::string host{}; // a name or a numeric address, without brackets
    std::uint16_t port = 80;
    std::string target{}; // path and query

    /// The Host header.
    [[nodiscard]] std::string authority() const;
    friend bool operator==(const HttpUrl&, const HttpUrl&) = default;
};
/// Of "http://…" without a user or a fragment; nothing for anything else.
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view text);

} // namespace mpsup::topology
