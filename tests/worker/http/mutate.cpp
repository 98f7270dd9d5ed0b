#include "tests/worker/http/mutate.h"

#include <iterator>

namespace mpsup::http {

namespace {

const char* const methods[] = {"GET", "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "BREW", "TRACE", "G@T"};
const char* const targets[] = {"/",           "/",    "/a?b", "/a/b%20c", "*",     "http://x/",
                               "http://u@x/", "/a#b", "/\\",  "x:80",     "/\xe9", "/?\\"};
const char* const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0",
                                "HTTP/1.2", "HTTP/2.0", "HTTP/1",   "http/1.1"};
const char* const hosts[] = {"Host: x\r\n", "Host: x\r\n",  "Host: x:80\r\n", "", "Host: x\r\nHost: x\r\n",
                             "Host:\r\n",   "Host: a b\r\n"};
const char* const fields[] = {"A: b\r\n",
                              "Accept: */*\r\n",
                              "X-Long: a b\tc\r\n",
                              "Connection: close\r\n",
                              "Connection: keep-alive, x\r\n",
                              "Expect: 100-continue\r\n",
                              "Expect: more\r\n",
                              "a : b\r\n",
                              "a: b\r\n c\r\n",
                              ": x\r\n",
                              "a\r\n",
                              "X_Y: z\r\n",
                              "Proxy: x\r\n",
                              "A: \x01\r\n",
                              "A: \xe9\r\n",
                              "A:\r\n",
                              "Upgrade: x\r\n"};
const char* const lengths[] = {"5", "5", "0", "05", "+5", "5, 5", "-5", "0x5", "", "99999999999999999999", "5 "};
const char* const codings[] = {"chunked",       "chunked",       "Chunked",  "chunked, chunked", "gzip",
                               "gzip, chunked", "chunked, gzip", "identity", "xchunked",         "chunked;q=1",
                               ", chunked",     "chunked,",      "",         "\"chunked\""};
const char* const sizes[] = {"5",  "5",  "05",  "0005", "5;a",  "5;a=b",        "5;a=\"b c\"",
                             "5 ", " 5", "0x5", "5;",   "5; a", "5;a=\"b\nc\"", "FFFFFFFFFFFFFFFFF",
                             "-5", "4",  "6"};
const char* const trailers[] = {
    "", "", "", "T: v\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "bad\r\n", " f: x\r\n"};
constexpr char octets[] = {'\r', '\n', '\0', ' ', '\t', ':', ';', ',', '/', '\x7f', '\xff', 'a', '0', '"', '\x0b'};

} // namespace

std::string Mutator::chunked_body() {
    std::string body;
    const std::size_t chunks = below(3);
    for (std::size_t i = 0; i < chunks; ++i) body += pick(sizes) + "\r\nhello\r\n";
    return body + "0\r\n" + pick(trailers) + "\r\n";
}

// One octet exchanged, dropped, doubled or put in.
void Mutator::damage(std::string& bytes) {
    const std::size_t at = below(bytes.size());
    const char octet = octets[below(sizeof octets)];
    switch (below(4)) {
    case 0: bytes[at] = octet; break;
    case 1: bytes.erase(at, 1); break;
    case 2: bytes.insert(at, 1, bytes[at]); break;
    default: bytes.insert(at, 1, octet); break;
    }
}

std::string Mutator::next() {
    std::string bytes = below(30) == 0 ? "\r\n" : "";
    bytes += pick(methods) + " " + pick(targets) + " " + pick(versions) + "\r\n" + pick(hosts);
    const std::size_t extra = below(4);
    for (std::size_t i = 0; i < extra; ++i) bytes += fields[below(std::size(fields)) * below(2)];
    switch (below(8)) {
    case 0:
    case 1: bytes += "Content-Length: " + pick(lengths) + "\r\n\r\nhello"; break;
    case 2:
    case 3: bytes += "Transfer-Encoding: " + pick(codings) + "\r\n\r\n" + chunked_body(); break;
    case 4: bytes += "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_body(); break;
    default: bytes += "\r\n"; break;
    }
    if (below(3) == 0) damage(bytes);
    return bytes;
}

} // namespace mpsup::http
