// How a process ended, as a value.
#pragma once

#include <compare>
#include <string>

namespace mpsup {

/// How a process ended: exited with a code, killed by a signal, or unknown (it was not our child, so the kernel
/// told us only that it is gone).
class ExitStatus {
public:
    enum class Kind { exited, signalled, unknown };

    [[nodiscard]] static ExitStatus exited(int code) noexcept { return {Kind::exited, code}; }
    [[nodiscard]] static ExitStatus signalled(int signal) noexcept { return {Kind::signalled, signal}; }
    [[nodiscard]] static ExitStatus unknown() noexcept { return {Kind::unknown, 0}; }
    /// From the si_code and si_status that waitid(2) fills in.
    [[nodiscard]] static ExitStatus from_wait(int how, int value) noexcept;

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool success() const noexcept { return kind_ == Kind::exited && value_ == 0; }
    /// Only of an exited one.
    [[nodiscard]] int code() const noexcept;
    /// Only of a signalled one.
    [[nodiscard]] int signal() const noexcept;

    /// "exited with code 1", "killed by signal 9 (KILL)", "gone (exit code unknown)"
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const ExitStatus&, const ExitStatus&) = default;

private:
    ExitStatus(Kind kind, int value) noexcept : kind_(kind), value_(value) {}
    Kind kind_;
    int value_;
};

} // namespace mpsup
