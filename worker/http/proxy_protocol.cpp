#include "worker/http/proxy_protocol.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <netinet/in.h>

namespace mpsup::http {

namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view first_signature = "PROXY ";
constexpr std::string_view second_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t max_line = 107; // CRLF included
constexpr std::size_t fixed_size = 16;

bool read_port(std::string_view text, std::uint16_t& port) {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

// In the form that others of the same address have.
bool read_address(std::string_view text, int family, std::string& address) {
    std::array<char, INET6_ADDRSTRLEN> bytes{};
    std::array<unsigned char, 16> binary{};
    if (text.size() >= bytes.size()) return false;
    text.copy(bytes.data(), text.size());
    if (::inet_pton(family, bytes.data(), binary.data()) != 1) return false;
    ::inet_ntop(family, binary.data(), bytes.data(), bytes.size());
    address = bytes.data();
    return true;
}

// "TCP4 192.0.2.1 192.0.2.2 56324 443", single spaces.
bool read_line(std::string_view line, ProxyHeader& header) {
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
    std::array<std::string_view, 5> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t space = i + 1 < words.size() ? line.find(' ') : line.size();
        if (space == std::string_view::npos) return false;
        words[i] = line.substr(0, space);
        line.remove_prefix(std::min(space + 1, line.size()));
    }
    if (words[0] != "TCP4" && words[0] != "TCP6") return false;
    const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
    header.told = true;
    return read_address(words[1], family, header.address) && read_address(words[2], family, header.local_address) &&
           read_port(words[3], header.port) && read_port(words[4], header.local_port);
}

ProxyHeader parse_first(std::string_view bytes) {
    ProxyHeader header;
    const std::string_view line = bytes.substr(0, max_line);
    const std::size_t end = line.find('\n');
    if (end == std::string_view::npos) {
        header.status = bytes.size() >= max_line ? Status::bad : Status::incomplete;
        return header;
    }
    const bool good = end > first_signature.size() && line[end - 1] == '\r' &&
                      read_line(line.substr(first_signature.size(), end - 1 - first_signature.size()), header);
    header.status = good ? Status::complete : Status::bad;
    header.size = end + 1;
    return header;
}

std::uint16_t big_endian(std::string_view bytes) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8U |
                                      static_cast<unsigned char>(bytes[1]));
}

// Two addresses of `size` bytes each, then their ports.
void read_binary(std::string_view bytes, int family, std::size_t size, ProxyHeader& header) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    header.address = text.data();
    ::inet_ntop(family, bytes.data() + size, text.data(), text.size());
    header.local_address = text.data();
    header.port = big_endian(bytes.substr(2 * size));
    header.local_port = big_endian(bytes.substr(2 * size + 2));
    header.told = true;
}

ProxyHeader parse_second(std::string_view bytes) {
    ProxyHeader header;
    if (bytes.size() < fixed_size) return header;
    header.status = Status::bad;
    const auto command = static_cast<unsigned char>(bytes[12]);
    const auto family = static_cast<unsigned char>(bytes[13]);
    header.size = fixed_size + big_endian(bytes.substr(14));
    if (header.size > max_proxy_header || (command != 0x20 && command != 0x21)) return header;
    if (bytes.size() < header.size) {
        header.status = Status::incomplete;
        return header;
    }
    const std::string_view rest = bytes.substr(fixed_size, header.size - fixed_size);
    header.status = Status::complete;
    if (command == 0x20) return header; // LOCAL: a check of the proxy's own
    switch (family) {
    case 0x11: // TCP over IPv4
        if (rest.size() < 12) break;
        read_binary(rest, AF_INET, 4, header);
        return header;
    case 0x21: // TCP over IPv6
        if (rest.size() < 36) break;
        read_binary(rest, AF_INET6, 16, header);
        return header;
    case 0x31: // a unix socket
        if (rest.size() < 216) break;
        return header;
    case 0x00: return header; // unspecified
    default: break;
    }
    header.status = Status::bad;
    return header;
}

} // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
    const auto agrees = [&](std::string_view signature) {
        const std::size_t size = std::min(bytes.size(), signature.size());
        return bytes.substr(0, size) == signature.substr(0, size);
    };
    if (bytes.size() >= second_signature.size() && agrees(second_signature)) return parse_second(bytes);
    if (bytes.size() >= first_signature.size() && agrees(first_signature)) return parse_first(bytes);
    ProxyHeader header;
    if (!agrees(first_signature) && !agrees(second_signature)) header.status = Status::bad;
    return header;
}

} // namespace mpsup::http
