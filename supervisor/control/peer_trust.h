// How supervisors of a site know each other: TLS, with a certificate on both sides.
#pragma once

#include "base/error.h"
#include "supervisor/control/peer.h"
#include "supervisor/transport/tls.h"

#include <memory>
#include <string>

namespace mpsup {

/// Either all have certificates of one authority, each for the addresses of its machine; or each has a key of its own, and says
/// the fingerprint of its certificate where the others find it: who may write there rules the site anyway, and nobody else can
/// show that certificate. Files are read for each connection, so new ones count at once.
class PeerTrust {
public:
    using Session = Result<std::unique_ptr<tls::Session>>;
    struct Options {
        tls::Files files{};     // all three; or none: a key of our own
        std::string own_file{}; // where that is; it is made (0600) where there is none
        std::string machine{};  // its name in it, for people
        std::string plugin{};   // empty: tls.so beside the program
    };
    /// An error says what is wrong with the files; whoever asks or is asked meanwhile is told the same.
    explicit PeerTrust(Options options);
    [[nodiscard]] Result<> check() const;

    /// What others must know of us; empty: they know the authority, or there is a problem.
    [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
    /// Why there is no key of our own, be it that it could not be made or not be read; empty: there is, or none is needed.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// While there is a problem. Is it over now? Then there is a fingerprint.
    [[nodiscard]] bool try_again();

    /// To be whoever asks.
    [[nodiscard]] Session ask(const Peer& peer) const;
    /// To be whoever is asked, from that IP address. `knows`: is it the fingerprint of a machine of the site?
    [[nodiscard]] Session answer(const std::string& ip, tls::Knows knows) const;

private:
    [[nodiscard]] bool has_authority() const { return !options_.files.ca.empty(); }
    [[nodiscard]] Result<> make_own() const;
    [[nodiscard]] Result<std::unique_ptr<tls::Context>> context(bool is_client) const;

    Options options_;
    std::string fingerprint_{};
    std::string problem_{};
};

} // namespace mpsup
