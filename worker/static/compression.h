// Compressing text for clients that take it so.
#pragma once

#include "worker/static/content_coding.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::static_files {

/// Files smaller than that gain nothing, larger ones would hold up the loop for more than some ten milliseconds.
constexpr std::size_t least_compressed = 256;
constexpr std::size_t most_compressed = std::size_t{1} << 20U;

enum class Effort {
    low,  // 4 to 12 ms a MiB
    high, // 50 to 200 ms a MiB, for a thread that nobody waits for
};

/// Is content of this type smaller when it is compressed? Text, JSON, XML and the like, WebAssembly, plain fonts.
[[nodiscard]] bool is_compressible(std::string_view media_type) noexcept;

/// The coded form. Nothing when memory ran out, or when it does not save a twentieth: then it is not worth it. The gzip
/// form has no time in it, so the same text gives the same bytes.
[[nodiscard]] std::optional<std::string> compress(Coding coding, Effort effort, std::string_view text);

/// How much of its time a thread may spend compressing: a fifth in the long run, 200 ms at once. So clients that ask for
/// more files than are kept in memory do not keep it busy with that. Pure: times are the caller's.
class CompressionBudget {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    [[nodiscard]] bool allows(Time now) noexcept;
    void spent(Duration time) noexcept { left_ -= time; }

private:
    static constexpr std::chrono::milliseconds most{200};
    Duration left_{most};
    Time refilled_{};
};

} // namespace mpsup::static_files
