// A reply of any octets to the crawler of links: what is found in it can be told, and is understood. A line each of its status and
// fields, an empty line, its content.
#include "worker/link_check/crawl.h"

#include <cstdint>
#include <cstdlib>

using namespace mpsup;

namespace {

std::string_view line_of(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

link_check::PageReply reply_of(std::string_view text) {
    link_check::PageReply reply{.status = std::atoi(std::string(line_of(text)).c_str()) % 1000};
    for (std::string_view line = line_of(text); !line.empty(); line = line_of(text)) {
        const std::size_t colon = std::min(line.find(':'), line.size());
        std::string_view value = line.substr(std::min(colon + 1, line.size()));
        if (value.starts_with(' ')) value.remove_prefix(1);
        reply.fields.emplace_back(line.substr(0, colon), value);
    }
    reply.body = text;
    reply.is_cut = text.size() % 7 == 0;
    return reply;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const link_check::PageReply reply = reply_of({reinterpret_cast<const char*>(data), size});
    if (reply.status < 100) return 0;
    const contract::LinkJob job{.servers = {{"http://h", "127.0.0.1:80"}},
                                .start = {"http://h/a/b"},
                                .secrets = {"127.0.0.1:81", "localhost:81", "/run/a.sock"},
                                .pages = 3};
    const auto get = [&](const auto&...) -> Result<link_check::PageReply> { return reply; };
    bool has_last = false;
    const auto tell = [&](const contract::LinkFact& fact) {
        const std::string text = contract::encode_link_fact(fact);
        const auto read = contract::decode_link_fact(text);
        if (!read || contract::encode_link_fact(*read) != text || text.contains('\n')) std::abort();
        has_last = fact.is_last;
        return true;
    };
    if (!link_check::crawl(job, get, tell) || !has_last) std::abort();
    return 0;
}
