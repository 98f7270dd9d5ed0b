#include "supervisor/cli/worker_answers.h"

#include "base/joined.h"
#include "supervisor/cli/members.h"
#include "supervisor/control/api_target.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

WorkerAnswer read_answer(const json::object& object) {
    WorkerAnswer answer{text_at(object, "worker"), text_at(object, "error"), {}, text_at(object, "machine")};
    const json::value* said = object.if_contains("answer");
    const json::object* inner = said ? said->if_object() : nullptr;
    if (!inner) return answer;
    answer.error = text_at(*inner, "error");
    if (answer.error.empty()) answer.text = json::serialize(*inner);
    return answer;
}

Result<std::vector<WorkerAnswer>> read_answers(const Result<ControlReply>& reply) {
    if (!reply) return std::unexpected(reply.error());
    const json::object said = parse_object(reply->body);
    const json::value* list = said.if_contains("answers");
    if (!list || !list->is_array()) {
        const std::string why = text_at(said, "error");
        return failure(why.empty() ? "the supervisor's answer is not understood: is it of another version?" : why);
    }
    std::vector<WorkerAnswer> answers;
    for (const json::object& each : objects_at(said, "answers")) answers.push_back(read_answer(each));
    return answers;
}

json::object to_json(const WorkerAnswer& answer) {
    json::object object{{"worker", answer.worker}};
    if (!answer.error.empty()) {
        object["error"] = answer.error;
        return object;
    }
    for (const auto& [key, inner] : parse_object(answer.text)) object.emplace(key, inner);
    return object;
}

} // namespace

Result<std::vector<WorkerAnswer>> ask_workers(const ChosenSite& site, const std::vector<std::string>& workers,
                                              const contract::Question& question, std::chrono::milliseconds patience) {
    json::array names;
    for (const std::string& worker : workers) names.emplace_back(worker);
    const std::string body = json::serialize(
        json::object{{"workers", std::move(names)}, {"question", json::array{contract::encode_question(question)}}});
    return read_answers(control_post(site.paths.control_socket(), "/v1/ask", body, patience, {}));
}

Result<std::vector<WorkerAnswer>> ask_workers_of(const ChosenSite& site, const std::vector<std::string>& machines,
                                                 const std::vector<std::string>& workers,
                                                 const contract::Question& question,
                                                 std::chrono::milliseconds patience) {
    const ApiTarget target{"/v1/answers",
                           {{"machines", joined(machines, ",")},
                            {"workers", joined(workers, ",")},
                            {"question", contract::encode_question(question)}}};
    return read_answers(control_get(site.paths.control_socket(), target.to_string(), patience));
}

int print_as_json(const Context& context, const std::vector<WorkerAnswer>& answers) {
    bool is_whole = !answers.empty();
    json::array list;
    for (const WorkerAnswer& answer : answers) {
        is_whole = is_whole && answer.error.empty();
        if (context.output == Output::jsonl)
            std::printf("%s\n", json::serialize(to_json(answer)).c_str());
        else
            list.push_back(to_json(answer));
    }
    if (context.output != Output::jsonl)
        std::printf("%s\n", json::serialize(json::object{{"version", 1}, {"workers", std::move(list)}}).c_str());
    return is_whole ? ok : failed;
}

} // namespace mpsup::cli
