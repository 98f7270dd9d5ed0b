#include "tests/worker/http/beast_oracle.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>

namespace mpsup::http {

namespace beast = boost::beast::http;

namespace {

OracleVerdict parse(std::string_view bytes) {
    OracleVerdict verdict;
    beast::request_parser<beast::string_body> parser;
    parser.header_limit(1U << 20U);
    parser.body_limit(1U << 30U);
    parser.eager(true);
    boost::system::error_code error;
    while (!parser.is_done() && !bytes.empty()) {
        const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        bytes.remove_prefix(used);
        if (error == beast::error::need_more || (used == 0 && !error)) break;
        if (error) {
            verdict.refused = true;
            verdict.reason = error.message();
            return verdict;
        }
    }
    verdict.complete = parser.is_done();
    const auto& message = parser.get();
    verdict.method = message.method_string();
    verdict.target = message.target();
    verdict.body = message.body();
    return verdict;
}

} // namespace

OracleVerdict ask_beast(std::string_view bytes) {
    try {
        return parse(bytes);
    } catch (const std::exception& error) { // it throws for fields over 64 KiB
        OracleVerdict verdict;
        verdict.refused = true;
        verdict.reason = error.what();
        return verdict;
    }
}

} // namespace mpsup::http
