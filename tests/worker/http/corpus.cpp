#include "tests/worker/http/corpus.h"

#include "base/fd.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

namespace mpsup::http {

namespace {

// One character of the file is one octet, whatever its UTF-8 form.
std::string to_octets(std::string_view utf8) {
    std::string octets;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if (c < 0x80 || i + 1 == utf8.size()) {
            octets.push_back(utf8[i]);
        } else {
            octets.push_back(static_cast<char>((c & 0x03U) << 6U | (static_cast<unsigned char>(utf8[++i]) & 0x3fU)));
        }
    }
    return octets;
}

bool matches(std::string_view word, int status) {
    if (word == "2xx") return status >= 200 && status < 300;
    if (word == "timeout") return status == 408;
    return word == std::to_string(status);
}

} // namespace

std::vector<CorpusCase> load_corpus() {
    std::vector<CorpusCase> cases;
    const auto text = read_file(MPSUP_CORPUS, std::size_t{16} << 20U);
    if (!text) return cases;
    const boost::json::value file = boost::json::parse(*text);
    for (const auto& value : file.at("cases").as_array()) {
        CorpusCase test;
        test.name = value.at("id").as_string();
        std::ranges::replace_if(test.name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
        test.expected = value.at("expected").as_string();
        test.bytes = to_octets(value.at("rawRequest").as_string());
        test.scored = value.at("scored").as_bool();
        cases.push_back(std::move(test));
    }
    return cases;
}

bool passes(std::string_view expected, int status, bool closed) {
    if (expected == "!101") return status != 101 && status != 0;
    if (expected == "2xx + close") return matches("2xx", status) && closed;
    if (const std::size_t pass = expected.find(" (pass)"); pass != std::string_view::npos)
        expected = expected.substr(0, pass);
    while (!expected.empty()) {
        const std::size_t end = std::min(expected.find('/'), expected.find(" or "));
        if (matches(expected.substr(0, end), status)) return true;
        if (end == std::string_view::npos) break;
        expected.remove_prefix(end + (expected[end] == '/' ? 1 : 4));
    }
    return false;
}

} // namespace mpsup::http
