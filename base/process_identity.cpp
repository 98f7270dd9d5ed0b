#include "base/process_identity.h"

#include "base/fd.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/random.h>

namespace mpsup {

namespace {

constexpr std::size_t proc_file_limit = 65536;

// The fields of /proc/PID/stat from the third on. The second, the command name in parentheses, may itself hold
// spaces and parentheses, so they are counted from the last one.
Result<std::string> stat_tail(pid_t pid) {
    auto text = read_file("/proc/" + std::to_string(pid) + "/stat", proc_file_limit);
    if (!text) return system_failure("process " + std::to_string(pid), ESRCH);
    const auto end_of_name = text->rfind(") ");
    if (end_of_name == std::string::npos) return system_failure("process " + std::to_string(pid), ESRCH);
    return text->substr(end_of_name + 2);
}

// Field `number` (counted as in proc(5)) of what stat_tail returns.
template <typename Number> Result<Number> stat_number(pid_t pid, int number) {
    const auto tail = stat_tail(pid);
    if (!tail) return std::unexpected(tail.error());
    std::size_t at = 0;
    for (int field = 3; field < number; ++field) {
        at = tail->find(' ', at);
        if (at == std::string::npos) return failure("unexpected /proc/PID/stat");
        ++at;
    }
    Number value{};
    if (std::from_chars(tail->data() + at, tail->data() + tail->size(), value).ec != std::errc{})
        return failure("unexpected /proc/PID/stat");
    return value;
}

std::uint64_t kilobytes_after(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return 0;
    const auto digits = text.find_first_of("0123456789", at + key.size());
    if (digits == std::string_view::npos) return 0;
    std::uint64_t value = 0;
    std::from_chars(text.data() + digits, text.data() + text.size(), value);
    return value;
}

} // namespace

Result<std::uint64_t> process_start_time(pid_t pid) { return stat_number<std::uint64_t>(pid, 22); }

bool process_is_ending(pid_t pid) noexcept {
    constexpr unsigned exiting = 0x4; // PF_EXITING of linux/sched.h, set before a process lets go of its descriptors
    if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
    const auto flags = stat_number<unsigned>(pid, 9);
    return flags && (*flags & exiting) != 0;
}

Result<pid_t> process_parent(pid_t pid) { return stat_number<pid_t>(pid, 4); }

Result<char> process_state(pid_t pid) {
    const auto tail = stat_tail(pid);
    if (!tail) return std::unexpected(tail.error());
    return tail->front();
}

Result<std::string> boot_id() {
    auto text = read_file("/proc/sys/kernel/random/boot_id", 128);
    if (text && !text->empty() && text->back() == '\n') text->pop_back();
    return text;
}

Result<ProcessMemory> process_memory(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/smaps_rollup", proc_file_limit);
    if (!text) return std::unexpected(text.error());
    const auto bytes = [&](std::string_view key) { return kilobytes_after(*text, key) * 1024; };
    return ProcessMemory{bytes("\nPrivate_Clean:") + bytes("\nPrivate_Dirty:"),
                         bytes("\nShared_Clean:") + bytes("\nShared_Dirty:"), bytes("\nRss:"), bytes("\nPss:")};
}

std::string random_uuid() {
    std::array<unsigned char, 16> bytes{};
    // Sixteen bytes are never cut short once the pool is seeded (getrandom(2)), and we run long after boot.
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::array<char, 37> text{};
    auto* out = text.data();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        out += std::snprintf(out, 3, "%02x", bytes[i]);
    }
    return text.data();
}

} // namespace mpsup
