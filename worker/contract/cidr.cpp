#include "worker/contract/cidr.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace mpsup::contract {

namespace {

constexpr int mapped_bits = 96; // of ::ffff:0:0/96
constexpr int all_bits = 128;

bool bit(const Cidr::Bytes& bytes, int index) {
    return ((bytes[static_cast<std::size_t>(index / 8)] >> (7 - index % 8)) & 1) != 0;
}

} // namespace

std::optional<Cidr::Bytes> Cidr::parse_ip(std::string_view ip) {
    if (ip.empty() || ip.size() >= INET6_ADDRSTRLEN || ip.contains('\0')) return std::nullopt;
    const std::string text(ip);
    Bytes bytes{};
    if (ip.contains(':'))
        return ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 ? std::optional(bytes) : std::nullopt;
    bytes[10] = bytes[11] = 0xff;
    return ::inet_pton(AF_INET, text.c_str(), bytes.data() + mapped_bits / 8) == 1 ? std::optional(bytes)
                                                                                   : std::nullopt;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view ip = text.substr(0, slash);
    const auto address = parse_ip(ip);
    if (!address) return std::nullopt;
    Cidr block;
    block.text_ = text;
    block.address_ = *address;
    if (slash == text.size()) return block;
    const int before = ip.contains(':') ? 0 : mapped_bits;
    int bits = 0;
    const auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
    if (error != std::errc{} || end != text.data() + text.size() || bits < 0 || bits > all_bits - before)
        return std::nullopt;
    block.bits_ = before + bits;
    for (int i = block.bits_; i < all_bits; ++i)
        if (bit(block.address_, i)) return std::nullopt;
    return block;
}

bool Cidr::contains(const Bytes& address) const noexcept {
    const auto whole = static_cast<std::size_t>(bits_ / 8);
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), address_.begin()))
        return false;
    if (bits_ % 8 == 0) return true;
    return ((address[whole] ^ address_[whole]) >> (8 - bits_ % 8)) == 0;
}

bool Cidr::contains(std::string_view ip) const {
    const auto address = parse_ip(ip);
    return address && contains(*address);
}

} // namespace mpsup::contract
