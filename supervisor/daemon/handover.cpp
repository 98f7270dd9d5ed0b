#include "supervisor/daemon/handover.h"

#include "base/fd.h"
#include "base/listener.h"
#include "state/queries.h"
#include "supervisor/topology/resolve.h"

#include <boost/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <tuple>
#include <unistd.h>

namespace mpsup {

namespace json = boost::json;

namespace {

constexpr std::size_t largest = 1 << 20;
constexpr int most_descriptors = 1 << 20;

Result<int> descriptor_in(const json::object& object, std::string_view key, int least) {
    const json::value* value = object.if_contains(key);
    if (!value || !value->is_int64() || value->as_int64() < least || value->as_int64() > most_descriptors)
        return failure("the handover has no good \"" + std::string(key) + "\"");
    return static_cast<int>(value->as_int64());
}

} // namespace

std::string Handover::to_json() const {
    json::array array;
    for (const auto& [endpoint, fd] : listeners)
        array.push_back(json::object{{"address", endpoint.to_string()}, {"fd", fd}});
    return json::serialize(json::object{{"version", version},
                                        {"from", from},
                                        {"lock", lock},
                                        {"control", control},
                                        {"contract", contract},
                                        {"client", client},
                                        {"listeners", std::move(array)}});
}

Result<Handover> Handover::parse(const std::string& text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    if (!object) return failure("the handover is no JSON object");
    Handover handover;
    const json::value* number = object->if_contains("version");
    if (!number || !number->is_int64() || number->as_int64() != newest)
        return failure("the handover is of another version than this program reads");
    if (const json::value* from = object->if_contains("from"); from && from->is_string())
        handover.from = from->as_string();
    for (const auto& [key, member, least] :
         {std::tuple{"lock", &Handover::lock, 3}, std::tuple{"control", &Handover::control, 3},
          std::tuple{"contract", &Handover::contract, 3}, std::tuple{"client", &Handover::client, -1}}) {
        auto fd = descriptor_in(*object, key, least);
        if (!fd) return std::unexpected(fd.error());
        handover.*member = *fd;
    }
    const json::value* listeners = object->if_contains("listeners");
    if (!listeners || !listeners->is_array()) return failure("the handover has no \"listeners\"");
    for (const json::value& item : listeners->as_array()) {
        const json::object* entry = item.if_object();
        const json::value* text_of_address = entry ? entry->if_contains("address") : nullptr;
        const auto endpoint = text_of_address && text_of_address->is_string()
                                  ? Endpoint::parse(std::string_view(text_of_address->as_string()))
                                  : std::nullopt;
        if (!endpoint) return failure("the handover has a listener without an address");
        auto fd = descriptor_in(*entry, "fd", 3);
        if (!fd) return std::unexpected(fd.error());
        handover.listeners.emplace_back(*endpoint, *fd);
    }
    return handover;
}

Result<> Handover::verify() const {
    for (const int fd : {control, contract})
        if (!is_listening(fd)) return failure("descriptor " + std::to_string(fd) + " of the handover does not listen");
    for (const auto& [endpoint, fd] : listeners)
        if (listening_endpoint(fd) != endpoint)
            return failure("descriptor " + std::to_string(fd) + " of the handover is not " + endpoint.to_string());
    return {};
}

std::string handover_path(const SitePaths& paths) { return paths.state_dir() + "/handover.json"; }

Result<Handover> read_handover(const SitePaths& paths) {
    const auto text = read_file(handover_path(paths), largest);
    if (!text) return std::unexpected(text.error());
    ::unlink(handover_path(paths).c_str());
    auto handover = Handover::parse(*text);
    if (!handover) return handover;
    if (auto verified = handover->verify(); !verified) return std::unexpected(verified.error());
    std::vector<int> fds{handover->lock, handover->control, handover->contract, handover->client};
    for (const auto& [address, fd] : handover->listeners) fds.push_back(fd);
    for (const int fd : fds) ::fcntl(fd, F_SETFD, FD_CLOEXEC); // EBADF: there is no client
    return handover;
}

Result<> check_state(const SitePaths& paths) {
    const auto text = read_file(handover_path(paths), largest);
    if (!text) return std::unexpected(text.error());
    if (auto handover = Handover::parse(*text); !handover) return std::unexpected(handover.error());
    const auto queries = state::Queries::open_any(paths.database());
    if (!queries && queries.error().code.value() == ENOENT) return {}; // then there is nothing to be read wrongly
    if (!queries) return std::unexpected(queries.error());
    if (auto living = queries->living(); !living) return std::unexpected(living.error());
    const auto read = queries->last_topology();
    if (!read) return std::unexpected(read.error());
    const std::optional<state::TopologyRow>& row = *read;
    if (!row) return {};
    if (auto topology = topology::from_document(row->document); !topology)
        return failure("the topology that was applied last cannot be read: " + topology.error().to_string());
    return {};
}

} // namespace mpsup
