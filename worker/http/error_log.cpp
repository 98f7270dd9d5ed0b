#include "worker/http/error_log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <unistd.h>

namespace mpsup::http {

namespace {

const char* name_of(Severity severity) noexcept {
    switch (severity) {
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
    }
    return "error";
}

} // namespace

void log_error(Severity severity, std::string_view message) noexcept {
    std::array<char, 32> time{};
    const std::time_t now = std::time(nullptr);
    std::tm tm{};
    ::gmtime_r(&now, &tm);
    std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%SZ", &tm);
    std::array<char, 4096> line{};
    const int prefix = std::snprintf(line.data(), line.size(), "[%s] [%s] [pid %d] ", time.data(), name_of(severity),
                                     static_cast<int>(::getpid()));
    auto used = static_cast<std::size_t>(std::max(prefix, 0));
    for (const char c : message.substr(0, line.size() - used - 1)) {
        const auto octet = static_cast<unsigned char>(c);
        line[used++] = octet < 0x20 || octet == 0x7f ? '?' : c;
    }
    line[used++] = '\n';
    static_cast<void>(!::write(STDERR_FILENO, line.data(), used));
}

} // namespace mpsup::http
