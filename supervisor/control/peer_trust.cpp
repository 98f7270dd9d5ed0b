#include "supervisor/control/peer_trust.h"

#include "base/address.h"
#include "base/whole_file.h"
#include "supervisor/transport/tls_loader.h"

#include <unistd.h>
#include <utility>

namespace mpsup {

PeerTrust::PeerTrust(Options options) : options_(std::move(options)) {
    if (!has_authority()) static_cast<void>(try_again());
}

bool PeerTrust::try_again() {
    const auto made = make_own();
    const auto own = made ? context(true) : std::unexpected(made.error());
    fingerprint_ = own ? (*own)->fingerprint() : "";
    problem_ = own ? "" : own.error().to_string();
    return own.has_value();
}

Result<> PeerTrust::check() const {
    if (!has_authority())
        if (auto made = make_own(); !made) return made;
    const auto own = context(false);
    return own ? Result<>() : std::unexpected(own.error());
}

Result<> PeerTrust::make_own() const {
    if (::access(options_.own_file.c_str(), F_OK) == 0) return {};
    const auto plugin = tls::load_plugin(options_.plugin.empty() ? tls::plugin_path() : options_.plugin);
    if (!plugin) return std::unexpected(plugin.error());
    const auto key = (*plugin)->make_key(options_.machine);
    return key ? write_whole_file(options_.own_file, *key) : std::unexpected(key.error());
}

// Without an authority the certificate is its own.
Result<std::unique_ptr<tls::Context>> PeerTrust::context(bool is_client) const {
    const auto plugin = tls::load_plugin(options_.plugin.empty() ? tls::plugin_path() : options_.plugin);
    if (!plugin) return std::unexpected(plugin.error());
    const std::string& own = options_.own_file;
    const tls::Files files = has_authority() ? options_.files : tls::Files{own, own, own};
    return is_client ? (*plugin)->client(files) : (*plugin)->server(files);
}

PeerTrust::Session PeerTrust::ask(const Peer& peer) const {
    const auto address = Address::parse(peer.api);
    if (!address) return failure("it does not say where it can be asked");
    if (!problem_.empty()) return failure("this machine has no certificate: " + problem_);
    if (!has_authority() && peer.fingerprint.empty())
        return failure("it does not say by which certificate it is known: it has none (its log says why), or "
                       "--peer-ca is given there and not here");
    auto made = context(true);
    if (!made) return std::unexpected(made.error());
    if (!has_authority())
        (*made)->trust([wanted = peer.fingerprint](const std::string& shown) { return shown == wanted; });
    return (*made)->connect(address->ip);
}

PeerTrust::Session PeerTrust::answer(const std::string& ip, tls::Knows knows) const {
    if (!problem_.empty()) return failure("this machine has no certificate: " + problem_);
    auto made = context(false);
    if (!made) return std::unexpected(made.error());
    if (has_authority()) return (*made)->accept(ip);
    (*made)->trust(std::move(knows));
    return (*made)->accept({});
}

} // namespace mpsup
