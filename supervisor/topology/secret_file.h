// A file that holds one secret: a password, a token.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace mpsup::topology {

constexpr std::size_t max_secret_bytes = 64UL << 10;

/// Why a secret cannot be had. Says nothing of its content.
struct NoSecret {
    std::string why;      // "`/run/secrets/db` can be read by others"
    std::string remedy{}; // "chmod o-rwx it", or empty
};

/// Both: "`/run/secrets/db`: others may reach it; chmod o-rwx it".
[[nodiscard]] std::string to_string(const NoSecret& error);

/// What the file holds, without the newline at its end, if it has one. Symbolic links are followed (secrets are
/// mounted as such); what they lead to must be a regular file of root's or of whoever asks, nothing of which is for
/// others (the group may have it), of at most max_secret_bytes and without a NUL byte: it becomes a variable of an
/// environment, execve(2). All of it is looked at on the opened descriptor. Never blocks on what is no file.
[[nodiscard]] std::expected<std::string, NoSecret> read_secret(const std::string& path);

} // namespace mpsup::topology
