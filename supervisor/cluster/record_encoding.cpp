// Writing records. What is as it is by default is left out: a thousand machines read each of them.
#include "base/utf8.h"
#include "supervisor/cluster/memory.h"
#include "supervisor/cluster/records.h"

#include <boost/json.hpp>

#include <algorithm>
#include <string_view>

namespace mpsup::cluster {

namespace json = boost::json;

std::string fit(std::string_view text, std::size_t longest) {
    std::string fit;
    while (!text.empty()) {
        const std::size_t size = utf8_character(text);
        const std::size_t step = std::max<std::size_t>(size, 1);
        if (fit.size() + step > longest) break;
        fit += size ? text.substr(0, size) : "?";
        text.remove_prefix(step);
    }
    return fit;
}

std::vector<std::string> fit(const std::vector<std::string>& reasons) {
    std::vector<std::string> fitting;
    std::size_t size = 0;
    for (const std::string& reason : reasons) {
        std::string text = fit(reason);
        size += text.size();
        const bool is_last = &reason == &reasons.back();
        if (size > longest_reasons || (fitting.size() + 1 == most_reasons && !is_last)) {
            fitting.push_back("and " + std::to_string(reasons.size() - fitting.size()) + " more");
            break;
        }
        fitting.push_back(std::move(text));
    }
    return fitting;
}

namespace {

void put(json::object& object, const char* key, const std::string& text) {
    if (!text.empty()) object[key] = fit(text);
}
void put_name(json::object& object, const char* key, const std::string& text) {
    if (!text.empty()) object[key] = fit(text, 255);
}
void put(json::object& object, const char* key, bool flag) {
    if (flag) object[key] = true;
}
void put(json::object& object, const char* key, const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) array.emplace_back(fit(text));
    if (!array.empty()) object[key] = std::move(array);
}
void put(json::object& object, const char* key, WallTime time) { object[key] = time.count(); }
void put(json::object& object, const char* key, std::uint64_t number) {
    if (number != 0) object[key] = number;
}

json::object object_of(const Version& version) {
    json::object object;
    put(object, "number", version.number);
    put_name(object, "digest", version.digest);
    return object;
}

json::object object_of(const StoreRecord& record) {
    json::object object;
    put_name(object, "id", record.id);
    put(object, "replaces", record.replaces);
    put_name(object, "by", record.by);
    put(object, "at", record.at);
    return object;
}

json::object object_of(const Report& report) {
    json::object object{{"id", report.change}, {"state", to_string(report.state)}};
    if (report.round != Round::checking) object["round"] = to_string(report.round);
    put(object, "reasons", report.reasons);
    put(object, "served", report.has_served);
    return object;
}

json::object object_of(const OutcomeRecord& record) {
    json::object object{{"change", record.change}, {"phase", to_string(record.phase)}};
    put(object, "at", record.at);
    put(object, "reasons", record.reasons);
    return object;
}

json::array array_of(const std::vector<WorkerSummary>& workers) {
    json::array array;
    for (const WorkerSummary& worker : workers)
        array.push_back(json::object{{"name", fit(worker.name, 255)},
                                     {"state", fit(worker.state, 255)},
                                     {"ready", worker.ready},
                                     {"wanted", worker.wanted}});
    return array;
}

// Names in one list, a letter for the state of each in one text (a capital where it has served), and what there is to say: a tenth
// of what an object for each machine would take.
void put_parts(json::object& object, const std::vector<Part>& parts) {
    json::array names;
    std::string states;
    json::object texts;
    json::array unwell;
    for (const Part& part : parts) {
        names.emplace_back(part.machine);
        const char letter = to_string(part.state).front();
        states += part.has_served ? static_cast<char>(letter - 'a' + 'A') : letter;
        if (!part.text.empty()) texts[part.machine] = fit(part.text);
        if (part.was_unwell) unwell.emplace_back(part.machine);
    }
    object["machines"] = std::move(names);
    object["states"] = states;
    if (!texts.empty()) object["texts"] = std::move(texts);
    if (!unwell.empty()) object["unwell"] = std::move(unwell);
}

} // namespace

std::string encode(const MachineRecord& record) {
    json::object object;
    put_name(object, "instance", record.instance);
    put_name(object, "boot", record.boot);
    put_name(object, "version", record.version);
    put_name(object, "address", record.address);
    put_name(object, "api", record.api);
    put_name(object, "fingerprint", record.fingerprint);
    put(object, "clock", record.clock);
    put(object, "number", record.runs.number);
    put_name(object, "digest", record.runs.digest);
    put(object, "well", record.well);
    if (!record.workers.empty()) object["workers"] = array_of(record.workers);
    if (record.in_flight) object["in_flight"] = record.in_flight->requests; // 0 is not nothing
    if (record.in_flight) put(object, "in_flight_unknown", record.in_flight->unknown);
    if (record.report.state != Report::State::none) object["change"] = object_of(record.report);
    return json::serialize(object);
}

std::string encode(const FenceRecord& record) {
    json::object object;
    put(object, "cordoned", record.cordoned);
    put(object, "drained", record.drained);
    put(object, "removed", record.removed);
    put_name(object, "by", record.by);
    put(object, "at", record.at);
    return json::serialize(object);
}

std::string encode(const TopologyRecord& record) {
    json::object object;
    object["document"] = record.document;
    put_name(object, "digest", record.digest);
    put(object, "path", record.path);
    put_name(object, "who", record.who);
    put_name(object, "from", record.from);
    put(object, "note", record.note);
    put(object, "at", record.at);
    return json::serialize(object);
}

std::string encode(const WantedRecord& record) {
    json::object object = object_of(record.now);
    json::array earlier;
    for (const Version& version : record.earlier) earlier.push_back(object_of(version));
    if (!earlier.empty()) object["earlier"] = std::move(earlier);
    return json::serialize(object);
}

std::string encode(const ChangeRecord& record) {
    json::object object{{"id", record.id},
                        {"kind", to_string(record.kind)},
                        {"to", object_of(record.to)},
                        {"before", object_of(record.before)},
                        {"phase", to_string(record.phase)},
                        {"owner", record.owner},
                        {"instance", record.instance}};
    put(object, "last", record.last);
    put(object, "serial", record.serial);
    put(object, "workers", record.workers);
    put(object, "fast", record.fast);
    put_name(object, "who", record.who);
    put_name(object, "from", record.from);
    put(object, "note", record.note);
    put(object, "at", record.at);
    object["allowed"] = record.allowed;
    put(object, "served", record.has_served);
    put(object, "invalid", record.is_invalid);
    put(object, "aborted", record.is_aborted);
    put(object, "term", record.term);
    put_parts(object, record.machines);
    put(object, "reasons", record.reasons);
    return json::serialize(object);
}

std::string encode(const OutcomeRecord& record) { return json::serialize(object_of(record)); }

std::string encode(const PastRecord& record) {
    json::object object{{"kind", to_string(record.kind)}, {"to", object_of(record.to)}};
    put(object, "workers", record.workers);
    put(object, "machines", record.machines);
    put_name(object, "who", record.who);
    put_name(object, "from", record.from);
    put(object, "at", record.at);
    object["outcome"] = object_of(record.outcome);
    return json::serialize(object);
}

std::string encode(const OrdersRecord& record) {
    json::array past;
    for (const PastOrder& order : record.past) {
        json::object object;
        put_name(object, "id", order.id);
        put_name(object, "kind", order.kind);
        put_name(object, "machine", order.machine);
        put_name(object, "who", order.who);
        put_name(object, "from", order.from);
        if (!order.note.empty()) object["note"] = fit(order.note, longest_note);
        put(object, "at", order.at);
        past.push_back(std::move(object));
    }
    return json::serialize(json::object{{"past", std::move(past)}});
}

// All of them, or whoever is left out would not know that it has its turn.
std::string encode(const ConvergingRecord& record) {
    return json::serialize(json::object{{"machines", json::array(record.machines.begin(), record.machines.end())}});
}

std::string encode(const VipRecord& record) {
    json::object object;
    put_name(object, "machine", record.machine);
    put_name(object, "instance", record.instance);
    return json::serialize(object);
}

std::string encode(const Memory& memory) {
    json::object object{{"cluster", std::to_string(memory.cluster)},
                        {"revision", memory.revision},
                        {"store", object_of(memory.store)},
                        {"out", json::array(memory.out.begin(), memory.out.end())}};
    put(object, "last", memory.last);
    if (memory.has_wanted) object["wanted"] = object_of(memory.wanted);
    put(object, "gone_back", memory.has_gone_back);
    return json::serialize(object);
}

std::string encode(const StoreRecord& record) { return json::serialize(object_of(record)); }

} // namespace mpsup::cluster
