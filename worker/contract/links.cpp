#include "worker/contract/links.h"

#include "worker/contract/described_json.h"
#include "worker/contract/links_json.h"
#include "worker/contract/origin.h"

#include <algorithm>

namespace json = boost::json;

namespace mpsup::contract {

template <typename Each> void describe(Each& each, Type<LinkServer>) {
    each("url", &LinkServer::url);
    each("serves", &LinkServer::serves);
    each("any_host", &LinkServer::any_host);
}

template <typename Each> void describe(Each& each, Type<Links>) {
    each("mode", &Links::mode);
    each("servers", &Links::servers);
    each("own", &Links::own);
}

constexpr std::pair<Links::Mode, std::string_view> mode_words[] = {
    {Links::Mode::off, "off"}, {Links::Mode::redirect, "redirect"}, {Links::Mode::rewrite, "rewrite"}};
constexpr auto& words_of(Links::Mode) { return mode_words; }

namespace {

const char* what_is_wrong(const Links& links) {
    const bool is_empty = links.servers.empty();
    if (is_empty != (links.mode == Links::Mode::off)) return "servers";
    if (is_empty ? links.own != 0 : links.own >= links.servers.size()) return "own";
    for (const LinkServer& server : links.servers) {
        const auto origin = Origin::parse(server.url);
        if (!origin || origin->text() != server.url) return "url";
        if (!std::ranges::all_of(server.serves, [](const std::string& path) { return path.starts_with('/'); }))
            return "serves";
    }
    return nullptr;
}

} // namespace

json::value to_json(const Links& links) { return to_json<Links>(links); }

Result<Links> links_from_json(const json::value& value) {
    auto links = from_json<Links>("links", value);
    if (links)
        if (const char* key = what_is_wrong(*links)) return failure(std::string("links: bad \"") + key + "\"");
    return links;
}

std::size_t encoded_size(const Links& links) { return json::serialize(to_json(links)).size(); }

} // namespace mpsup::contract
