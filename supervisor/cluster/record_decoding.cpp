// Reading records. The first thing that is wrong is remembered, and what is read in its place is nothing.
#include "supervisor/cluster/memory.h"
#include "supervisor/cluster/records.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace mpsup::cluster {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_text = 10'000;
constexpr std::size_t most_texts = 1'000;
constexpr std::size_t longest_record = 2'000'000; // etcd takes less
constexpr std::size_t deepest = 8;
constexpr WallTime end_of_time{std::int64_t{1} << 48}; // of clocks that can be reckoned with

class Fields {
public:
    Fields(const json::object& object, std::string& problem) : object_(object), problem_(problem) {}

    void complain(const char* key) {
        if (problem_.empty()) problem_ = std::string("missing or bad \"") + key + '"';
    }
    [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }

    std::string text(const char* key, std::size_t longest = longest_text) {
        const json::value* value = object_.if_contains(key);
        return value ? text_of(key, *value, longest) : std::string();
    }
    std::string name(const char* key) { return text(key, longest_name); }
    /// One that has to be there.
    std::string needed_name(const char* key) {
        std::string name = text(key, longest_name);
        if (name.empty()) complain(key);
        return name;
    }
    bool flag(const char* key) {
        const json::value* value = object_.if_contains(key);
        if (!value) return false;
        if (const bool* flag = value->if_bool()) return *flag;
        return complain(key), false;
    }
    std::int64_t number(const char* key) {
        const json::value* value = object_.if_contains(key);
        if (!value) return 0;
        const std::int64_t* number = value->if_int64();
        if (number && *number >= 0) return *number;
        return complain(key), 0;
    }
    std::uint64_t count(const char* key) { return static_cast<std::uint64_t>(number(key)); }
    int small(const char* key) {
        const std::int64_t value = number(key);
        if (value <= 1'000'000) return static_cast<int>(value);
        return complain(key), 0;
    }
    WallTime time(const char* key) {
        const WallTime time(number(key));
        if (time < end_of_time) return time;
        return complain(key), WallTime(0);
    }
    std::vector<std::string> texts(const char* key, std::size_t most, std::size_t longest) {
        std::vector<std::string> texts;
        each(key, most, [&](const json::value& item) { texts.push_back(text_of(key, item, longest)); });
        return texts;
    }
    template <typename Read> void object(const char* key, Read read) {
        const json::value* value = object_.if_contains(key);
        if (!value) return;
        if (const json::object* inner = value->if_object()) return read(Fields(*inner, problem_));
        complain(key);
    }
    template <typename Read> void objects(const char* key, std::size_t most, Read read) {
        each(key, most, [&](const json::value& item) {
            if (const json::object* inner = item.if_object()) return read(Fields(*inner, problem_));
            complain(key);
        });
    }
    /// One of the words that `to_string` knows, from `first` to `last`.
    template <typename Word> Word word(const char* key, Word first, Word last) {
        const std::string text = name(key);
        for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i)
            if (to_string(static_cast<Word>(i)) == text) return static_cast<Word>(i);
        return complain(key), first;
    }

private:
    std::string text_of(const char* key, const json::value& value, std::size_t longest) {
        const json::string* text = value.if_string();
        if (text && text->size() <= longest) return std::string(*text);
        return complain(key), std::string();
    }
    template <typename Read> void each(const char* key, std::size_t most, Read read) {
        const json::value* value = object_.if_contains(key);
        if (!value) return;
        const json::array* items = value->if_array();
        if (!items || items->size() > most) return complain(key);
        for (const json::value& item : *items) read(item);
    }

    const json::object& object_;
    std::string& problem_;
};

Version version_in(Fields fields) { return {fields.count("number"), fields.name("digest")}; }

Version version_at(Fields& fields, const char* key) {
    Version version;
    fields.object(key, [&](Fields inner) { version = version_in(inner); });
    return version;
}

StoreRecord store_in(Fields fields) {
    return {fields.name("id"), fields.texts("replaces", most_replaced, longest_name), fields.name("by"),
            fields.time("at")};
}

Report report_in(Fields fields) {
    Report report;
    report.change = fields.needed_name("id");
    if (fields.has("round")) report.round = fields.word("round", Round::checking, Round::undoing);
    report.state = fields.word("state", Report::State::none, Report::State::invalid);
    report.reasons = fields.texts("reasons", most_texts, longest_text);
    report.has_served = fields.flag("served");
    return report;
}

OutcomeRecord outcome_in(Fields fields) {
    using Phase = ChangeRecord::Phase;
    return {fields.needed_name("change"), fields.word("phase", Phase::checking, Phase::aborted), fields.time("at"),
            fields.texts("reasons", most_texts, longest_text)};
}

Part::State state_of(char letter, Fields& fields) {
    for (int i = 0; i <= static_cast<int>(Part::State::skipped); ++i)
        if (to_string(static_cast<Part::State>(i)).front() == letter) return static_cast<Part::State>(i);
    return fields.complain("states"), Part::State::waiting;
}

std::vector<Part> parts_in(Fields& fields) {
    std::vector<Part> parts;
    const auto names = fields.texts("machines", most_machines, longest_name);
    const std::string states = fields.text("states", most_machines);
    if (names.size() != states.size()) return fields.complain("states"), parts;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty()) fields.complain("machines");
        const bool has_served = states[i] >= 'A' && states[i] <= 'Z';
        const char letter = has_served ? static_cast<char>(states[i] - 'A' + 'a') : states[i];
        parts.push_back({names[i], state_of(letter, fields), {}, has_served});
    }
    std::vector<std::string_view> sorted(names.begin(), names.end());
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) fields.complain("machines");
    fields.object("texts", [&](Fields texts) {
        for (Part& part : parts) part.text = texts.text(part.machine.c_str());
    });
    const auto unwell = fields.texts("unwell", most_machines, longest_name);
    const std::set<std::string_view> were_unwell(unwell.begin(), unwell.end());
    for (Part& part : parts) part.was_unwell = were_unwell.contains(part.machine);
    return parts;
}

template <typename Record, typename Read> Result<Record> read_record(std::string_view text, Read read) {
    if (text.size() > longest_record) return failure("it is too large");
    json::error_code error;
    json::parse_options options;
    options.max_depth = deepest;
    const json::value value = json::parse(text, error, {}, options);
    if (error || !value.is_object()) return failure("it is no JSON object");
    std::string problem;
    Record record = read(Fields(value.get_object(), problem));
    if (problem.empty()) return record;
    return failure("it has a " + problem);
}

// A cluster's, which is more than JSON's numbers may be.
std::uint64_t id_in(std::string_view text, const char* key, Fields& fields) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) fields.complain(key);
    return number;
}

} // namespace

template <> Result<MachineRecord> decode(std::string_view text) {
    return read_record<MachineRecord>(text, [](Fields fields) {
        MachineRecord record;
        record.instance = fields.needed_name("instance");
        record.boot = fields.needed_name("boot");
        record.version = fields.name("version");
        record.address = fields.name("address");
        record.api = fields.name("api");
        record.fingerprint = fields.name("fingerprint");
        record.clock = fields.time("clock");
        record.runs = version_in(fields);
        record.well = fields.flag("well");
        fields.objects("workers", most_workers, [&](Fields worker) {
            record.workers.push_back(
                {worker.name("name"), worker.name("state"), worker.small("ready"), worker.small("wanted")});
        });
        if (fields.has("in_flight"))
            record.in_flight = InFlight{fields.count("in_flight"), fields.text("in_flight_unknown")};
        fields.object("change", [&](Fields inner) { record.report = report_in(inner); });
        return record;
    });
}

template <> Result<FenceRecord> decode(std::string_view text) {
    return read_record<FenceRecord>(text, [](Fields fields) {
        return FenceRecord{fields.flag("cordoned"), fields.flag("drained"), fields.flag("removed"), fields.name("by"),
                           fields.time("at")};
    });
}

template <> Result<TopologyRecord> decode(std::string_view text) {
    return read_record<TopologyRecord>(text, [](Fields fields) {
        TopologyRecord record;
        record.document = fields.text("document", longest_document);
        record.digest = fields.needed_name("digest");
        record.path = fields.text("path");
        record.who = fields.name("who");
        record.from = fields.name("from");
        record.note = fields.text("note");
        record.at = fields.time("at");
        if (record.document.empty()) fields.complain("document");
        return record;
    });
}

template <> Result<WantedRecord> decode(std::string_view text) {
    return read_record<WantedRecord>(text, [](Fields fields) {
        WantedRecord record;
        record.now = version_in(fields);
        fields.objects("earlier", most_earlier, [&](Fields inner) { record.earlier.push_back(version_in(inner)); });
        return record;
    });
}

template <> Result<ChangeRecord> decode(std::string_view text) {
    using Record = ChangeRecord;
    return read_record<Record>(text, [](Fields fields) {
        Record record;
        record.id = fields.needed_name("id");
        record.kind = fields.word("kind", Record::Kind::up, Record::Kind::rollback);
        record.to = version_at(fields, "to");
        record.before = version_at(fields, "before");
        record.last = fields.count("last");
        record.serial = fields.count("serial");
        record.workers = fields.texts("workers", most_workers, longest_name);
        record.fast = fields.flag("fast");
        record.who = fields.name("who");
        record.from = fields.name("from");
        record.note = fields.text("note");
        record.at = fields.time("at");
        record.phase = fields.word("phase", Record::Phase::checking, Record::Phase::aborted);
        record.allowed = std::max(fields.small("allowed"), 1);
        record.has_served = fields.flag("served");
        record.is_invalid = fields.flag("invalid");
        record.is_aborted = fields.flag("aborted");
        record.owner = fields.needed_name("owner");
        record.instance = fields.needed_name("instance");
        record.term = fields.count("term");
        record.machines = parts_in(fields);
        record.reasons = fields.texts("reasons", most_texts, longest_text);
        return record;
    });
}

template <> Result<OutcomeRecord> decode(std::string_view text) { return read_record<OutcomeRecord>(text, outcome_in); }

template <> Result<PastRecord> decode(std::string_view text) {
    using Kind = ChangeRecord::Kind;
    return read_record<PastRecord>(text, [](Fields fields) {
        PastRecord record;
        record.kind = fields.word("kind", Kind::up, Kind::rollback);
        record.to = version_at(fields, "to");
        record.workers = fields.texts("workers", most_workers, longest_name);
        record.machines = fields.texts("machines", most_machines, longest_name);
        record.who = fields.name("who");
        record.from = fields.name("from");
        record.at = fields.time("at");
        if (!fields.has("outcome")) fields.complain("outcome");
        fields.object("outcome", [&](Fields inner) { record.outcome = outcome_in(inner); });
        return record;
    });
}

template <> Result<OrdersRecord> decode(std::string_view text) {
    return read_record<OrdersRecord>(text, [](Fields fields) {
        OrdersRecord record;
        fields.objects("past", most_texts, [&](Fields order) {
            record.past.push_back({order.name("id"), order.needed_name("kind"), order.name("machine"),
                                   order.name("who"), order.name("from"), order.text("note", longest_note),
                                   order.time("at")});
        });
        return record;
    });
}

template <> Result<ConvergingRecord> decode(std::string_view text) {
    return read_record<ConvergingRecord>(
        text, [](Fields fields) { return ConvergingRecord{fields.texts("machines", most_machines, longest_name)}; });
}

template <> Result<VipRecord> decode(std::string_view text) {
    return read_record<VipRecord>(
        text, [](Fields fields) { return VipRecord{fields.name("machine"), fields.name("instance")}; });
}

template <> Result<StoreRecord> decode(std::string_view text) {
    return read_record<StoreRecord>(text, [](Fields fields) {
        StoreRecord record = store_in(fields);
        if (record.id.empty()) fields.complain("id");
        return record;
    });
}

Result<Memory> decode_memory(std::string_view text) {
    return read_record<Memory>(text, [](Fields fields) {
        Memory memory;
        memory.cluster = id_in(fields.name("cluster"), "cluster", fields);
        memory.revision = fields.number("revision");
        fields.object("store", [&](Fields inner) { memory.store = store_in(inner); });
        memory.last = fields.count("last");
        memory.has_wanted = fields.has("wanted");
        memory.wanted = version_at(fields, "wanted");
        memory.has_gone_back = fields.flag("gone_back");
        memory.out = fields.texts("out", most_machines, longest_name);
        return memory;
    });
}

} // namespace mpsup::cluster
