// What tls.so shows to the program that loads it: TLS 1.2 and 1.3 between two texts, without a socket and without
// waiting. Whoever has a connection carries the bytes. That keeps OpenSSL out of everything else.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mpsup::tls {

/// Files in PEM; an empty path is none.
struct Files {
    std::string ca{}; // who may have signed the certificate of the other side; a client without: those of the system
    std::string certificate{}; // one's own, with those between it and its root
    std::string key{};

    friend bool operator==(const Files&, const Files&) = default;
};

enum class Step {
    done,
    wants_input, // send what take_output() gives, then give_input() what comes
    ended,       // the other side ended it (close_notify)
    failed,      // for good; why() says it
};

/// One connection. One thread at a time.
class Session {
public:
    Session() = default;
    virtual ~Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Until it is done neither read() nor write() is called. A failed one leaves an alert to send.
    [[nodiscard]] virtual Step handshake() = 0;
    /// `done`: `got` bytes of `space` were filled, one at least.
    [[nodiscard]] virtual Step read(std::span<char> space, std::size_t& got) = 0;
    /// All of it becomes output.
    [[nodiscard]] virtual Step write(std::string_view text) = 0;
    /// close_notify becomes output.
    virtual void end() = 0;

    /// What came from the other side; it is kept until read() or handshake() looks at it.
    virtual void give_input(std::string_view bytes) = 0;
    /// What is to be sent to it.
    [[nodiscard]] virtual std::string take_output() = 0;
    /// In OpenSSL's words; of a certificate that was not believed, why.
    [[nodiscard]] virtual std::string why() const = 0;
};

/// Of a certificate, its SHA-256 in hexadecimal digits: is it one that we know?
using Knows = std::function<bool(const std::string& fingerprint)>;

/// What the sessions of one side have in common. Its files were read when it was made.
class Context {
public:
    Context() = default;
    virtual ~Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Of a client: the certificate must be signed by a known authority and be for `host`, a name or a numeric address.
    [[nodiscard]] virtual Result<std::unique_ptr<Session>> connect(const std::string& host) = 0;
    /// Of a server: with a `ca` the client must have a certificate of its, which is for `host` unless that is empty.
    [[nodiscard]] virtual Result<std::unique_ptr<Session>> accept(const std::string& host) = 0;
    /// Before any session. In place of authorities, names and dates: the other side must have a certificate that is known.
    virtual void trust(Knows knows) = 0;
    /// Of the own certificate; empty: there is none.
    [[nodiscard]] virtual std::string fingerprint() const = 0;
};

/// The symbol `mpsup_tls_plugin`, a constant. The first three members have had this layout in every version; the rest
/// is read only when they agree.
struct Plugin {
    static constexpr std::uint32_t expected_magic = 0x6d707473; // "mpts"
    static constexpr std::uint32_t expected_api = 2;            // of all above

    std::uint32_t magic;
    std::uint32_t api;
    const char* build; // version of mpsup that it belongs to
    /// The error names the file that is not right.
    Result<std::unique_ptr<Context>> (*client)(const Files& files);
    Result<std::unique_ptr<Context>> (*server)(const Files& files);
    /// A new key and a certificate for it that nobody else signed and that never expires, both in one text (PEM).
    Result<std::string> (*make_key)(const std::string& name);
};

} // namespace mpsup::tls
