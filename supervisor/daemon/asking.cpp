#include "supervisor/daemon/asking.h"

#include "base/joined.h"

#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int failed = 1;
constexpr int usage = 2;

std::vector<std::string> names_of(const Site& site, bool with_static) {
    std::vector<std::string> names;
    for (const auto& worker : site.workers()) {
        const topology::Kind kind = worker->spec().kind;
        if (kind == topology::Kind::accelerator || (with_static && kind == topology::Kind::static_files))
            names.push_back(worker->spec().name);
    }
    return names;
}

// What a worker said may be anything.
json::value answer_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return !error && value.is_object() ? value : json::value(json::object{{"error", "the answer is no JSON object"}});
}

} // namespace

asio::awaitable<std::string> ask_workers(Site& site, std::vector<std::string> names, std::string question) {
    if (names.empty()) names = names_of(site, false);
    json::array answers;
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        json::object each{{"worker", name}};
        if (!worker || worker->spec().kind == topology::Kind::dynamic) {
            each["error"] = worker ? name + " is a pool" : "there is no worker " + name;
        } else {
            const Result<std::string> answer = co_await worker->ask(question);
            if (answer)
                each["answer"] = answer_of(*answer);
            else
                each["error"] = answer.error().to_string();
        }
        answers.push_back(std::move(each));
    }
    co_return json::serialize(json::object{{"version", 1}, {"answers", std::move(answers)}});
}

Outcome set_maintenance(Site& site, std::vector<std::string> names, bool on) {
    if (names.empty()) names = names_of(site, false);
    if (names.empty()) names = names_of(site, true);
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        if (!worker) return {usage, "there is no worker " + name};
        if (worker->spec().kind == topology::Kind::dynamic)
            return {usage, name + " is a pool: maintenance is for what stands before it"};
    }
    if (names.empty()) return {usage, "there is no accelerator and no static worker"};
    for (const std::string& name : names)
        if (auto set = site.find(name)->set_maintenance(on); !set) return {failed, set.error().to_string()};
    return {0, joined(names, ", ") + (on ? ": in maintenance" : ": serves again")};
}

} // namespace mpsup
