#include "supervisor/daemon/machines_answers.h"

#include "supervisor/daemon/machines_status.h"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace mpsup {

namespace {

namespace json = boost::json;

std::optional<json::array> answers_in(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    json::object* object = error ? nullptr : value.if_object();
    json::value* answers = object ? object->if_contains("answers") : nullptr;
    if (!answers || !answers->is_array()) return std::nullopt;
    return std::move(answers->get_array());
}

} // namespace

std::string machines_answers(const std::string& own, const std::vector<ClusterMachine>& machines,
                             const std::vector<PeerReply>& replies) {
    json::array all;
    for (const ClusterMachine& machine : machines) {
        const auto found = std::ranges::find(replies, machine.name, &PeerReply::machine);
        const PeerReply* reply = found == replies.end() ? nullptr : &*found;
        std::optional<json::array> said;
        if (machine.is_here)
            said = answers_in(own);
        else if (reply && reply->why.empty())
            said = answers_in(reply->body);
        if (!said) all.push_back(json::object{{"machine", machine.name}, {"error", why_silent(machine, reply)}});
        for (json::value& each : said.value_or(json::array())) {
            if (!each.is_object()) continue;
            each.get_object()["machine"] = machine.name;
            all.push_back(std::move(each));
        }
    }
    return json::serialize(json::object{{"version", 1}, {"answers", std::move(all)}});
}

} // namespace mpsup
