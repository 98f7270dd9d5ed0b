// Where supervisors of other machines come in to read.
#pragma once

#include "supervisor/control/peer_trust.h"
#include "supervisor/control/server.h"

#include <functional>
#include <string>

namespace mpsup {

/// Who is let in.
struct PeerGuests {
    std::function<bool(const std::string& ip)>
        has_address;            // canonical text of inet_ntop(3): is it one of a machine of the site?
    tls::Knows has_certificate; // as PeerTrust::answer
    std::function<void(std::string why)> on_refused; // "10.9.0.7 showed a certificate that is not known: …"
};

/// A door of a ControlServer that only reads. `listener`: TCP, non-blocking; connections that die without a word are
/// found within a minute. Whoever comes from elsewhere is let go without an answer; whoever shows no certificate that we believe
/// is told by TLS, and `on_refused`. `trust` outlives the server.
[[nodiscard]] ControlDoor peer_door(Fd listener, const PeerTrust& trust, PeerGuests guests);

} // namespace mpsup
