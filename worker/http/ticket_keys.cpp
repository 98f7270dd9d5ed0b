#include "worker/http/ticket_keys.h"

#include <algorithm>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string>

namespace mpsup::http {

namespace {

bool derive_part(std::span<const unsigned char> secret, std::string_view purpose, std::string_view name,
                 std::span<unsigned char> out) {
    const std::string text = std::string(purpose) + '\0' + std::string(name);
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    if (!::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size))
        return false;
    std::copy_n(mac.begin(), std::min<std::size_t>(out.size(), size), out.begin());
    return size >= out.size();
}

} // namespace

std::optional<TicketKeys::Key> TicketKeys::derive(const Secret& secret, std::string_view name) {
    Key key;
    if (!derive_part(secret, "id", name, key.id) || !derive_part(secret, "cipher", name, key.cipher) ||
        !derive_part(secret, "mac", name, key.mac))
        return std::nullopt;
    return key;
}

// Makes a secret when the one there is old.
bool TicketKeys::turn(Time now) {
    if (current_.made && now - current_.since < age_) return true;
    Epoch fresh{{}, now, true};
    if (::RAND_bytes(fresh.secret.data(), static_cast<int>(fresh.secret.size())) != 1) return current_.made;
    before_ = current_;
    current_ = fresh;
    return true;
}

std::optional<TicketKeys::Key> TicketKeys::current(std::string_view name, Time now) {
    const std::scoped_lock lock(mutex_);
    if (!turn(now)) return std::nullopt;
    return derive(current_.secret, name);
}

std::optional<TicketKeys::Key> TicketKeys::find(std::string_view name, std::span<const unsigned char, 16> id,
                                                Time now) {
    const std::scoped_lock lock(mutex_);
    if (!turn(now)) return std::nullopt;
    for (const Epoch* epoch : {&current_, &before_}) {
        if (!epoch->made || now - epoch->since >= 2 * age_) continue;
        auto key = derive(epoch->secret, name);
        if (!key || ::CRYPTO_memcmp(key->id.data(), id.data(), id.size()) != 0) continue;
        key->old = epoch == &before_;
        return key;
    }
    return std::nullopt;
}

} // namespace mpsup::http
