#include "worker/contract/messages.h"

#include "worker/contract/front_json.h"

#include <limits>
#include <utility>

namespace json = boost::json;

namespace mpsup::contract {

namespace {

constexpr std::size_t max_reason_bytes = 16384; // leaves room for JSON's escapes in one packet
constexpr std::int64_t max_pool = 1'000;
constexpr std::int64_t max_grace_ms = 86'400'000;
constexpr std::size_t max_list = 1024;

template <typename Enum> struct Name {
    Enum value;
    std::string_view text;
};

constexpr Name<Role> roles[] = {{Role::light, "light"}, {Role::master, "master"}, {Role::child, "child"}};
constexpr Name<WorkerKind> kinds[] = {
    {WorkerKind::static_files, "static"}, {WorkerKind::dynamic, "dynamic"}, {WorkerKind::accelerator, "accelerator"}};
constexpr Name<FdRole> fd_roles[] = {{FdRole::public_listener, "public_listener"},
                                     {FdRole::private_listener, "private_listener"},
                                     {FdRole::access_log, "access_log"},
                                     {FdRole::scoreboard, "scoreboard"},
                                     {FdRole::output, "output"},
                                     {FdRole::cache, "cache"}};
constexpr Name<Stage> stages[] = {{Stage::fresh, "fresh"},
                                  {Stage::ready, "ready"},
                                  {Stage::serving, "serving"},
                                  {Stage::sleeping, "sleeping"},
                                  {Stage::draining, "draining"}};
constexpr Name<PoolMode> pool_modes[] = {
    {PoolMode::fixed, "fixed"}, {PoolMode::dynamic, "dynamic"}, {PoolMode::ondemand, "ondemand"}};
constexpr Name<ExitStatus::Kind> exit_kinds[] = {{ExitStatus::Kind::exited, "exited"},
                                                 {ExitStatus::Kind::signalled, "signalled"},
                                                 {ExitStatus::Kind::unknown, "unknown"}};

template <typename Enum, std::size_t N> std::string_view text_of(const Name<Enum> (&names)[N], Enum value) {
    for (const auto& name : names)
        if (name.value == value) return name.text;
    std::unreachable();
}

// Reads typed members of one object and remembers the first that was wrong.
class Reader {
public:
    explicit Reader(const json::object& object) : object_(object) {}

    [[nodiscard]] const std::string& problem() const { return problem_; }

    std::int64_t number(std::string_view key, std::int64_t low, std::int64_t high) {
        const json::value* value = find(key);
        if (!value) return low;
        const std::int64_t* number = value->if_int64();
        if (number && *number >= low && *number <= high) return *number;
        return complain(key), low;
    }

    std::string text(std::string_view key) {
        const json::value* value = find(key);
        if (!value) return {};
        if (const json::string* text = value->if_string()) return std::string(*text);
        return complain(key), std::string();
    }

    bool flag(std::string_view key) {
        const json::value* value = find(key);
        if (!value) return false;
        if (const bool* flag = value->if_bool()) return *flag;
        return complain(key), false;
    }

    template <typename Enum, std::size_t N> Enum choice(std::string_view key, const Name<Enum> (&names)[N]) {
        return choice_of(key, text(key), names);
    }

    std::vector<std::string> texts(std::string_view key) {
        std::vector<std::string> list;
        const json::value* value = find(key);
        if (!value) return list;
        const json::array* array = value->if_array();
        if (!array || array->size() > max_list) return complain(key), list;
        for (const json::value& item : *array) {
            const json::string* text = item.if_string();
            if (!text) return complain(key), list;
            list.emplace_back(*text);
        }
        return list;
    }

    template <typename Enum, std::size_t N>
    std::vector<Enum> choices(std::string_view key, const Name<Enum> (&names)[N]) {
        std::vector<Enum> list;
        for (const std::string& text : texts(key)) list.push_back(choice_of(key, text, names));
        return list;
    }

    /// The members of the object under `key`; its problems are this reader's.
    template <typename Read> void inside(std::string_view key, Read read) {
        const json::value* value = find(key);
        if (!value) return;
        const json::object* object = value->if_object();
        if (!object) return complain(key);
        Reader inner(*object);
        read(inner);
        if (problem_.empty() && !inner.problem().empty())
            problem_ = inner.problem() + " in \"" + std::string(key) + "\"";
    }

    /// What a function of its own reads.
    template <typename T> T part(std::string_view key, Result<T> (*read)(const json::value&)) {
        const json::value* value = find(key);
        if (!value) return {};
        auto result = read(*value);
        if (result) return std::move(*result);
        if (problem_.empty()) problem_ = result.error().to_string();
        return {};
    }

    std::chrono::milliseconds age(std::string_view key) {
        return std::chrono::milliseconds(number(key, 0, std::int64_t{1} << 40U));
    }

    std::chrono::milliseconds duration(std::string_view key) {
        return std::chrono::milliseconds(number(key, 0, max_grace_ms));
    }

    pid_t pid() { return static_cast<pid_t>(number("pid", 1, std::numeric_limits<pid_t>::max())); }

    std::uint64_t counter(std::string_view key) {
        return static_cast<std::uint64_t>(number(key, 0, std::numeric_limits<std::int64_t>::max()));
    }

private:
    template <typename Enum, std::size_t N>
    Enum choice_of(std::string_view key, const std::string& text, const Name<Enum> (&names)[N]) {
        for (const auto& name : names)
            if (name.text == text) return name.value;
        return complain(key), names[0].value;
    }

    const json::value* find(std::string_view key) {
        const json::value* value = object_.if_contains(key);
        if (!value) complain(key);
        return value;
    }

    void complain(std::string_view key) {
        if (problem_.empty()) problem_ = "missing or bad \"" + std::string(key) + "\"";
    }

    const json::object& object_;
    std::string problem_;
};

json::array to_array(const std::vector<FdRole>& fds) {
    json::array array;
    for (const FdRole role : fds) array.emplace_back(text_of(fd_roles, role));
    return array;
}

json::object to_json(const Hello& hello) {
    return {{"type", "hello"},
            {"contract", hello.contract},
            {"role", text_of(roles, hello.role)},
            {"site", hello.identity.site},
            {"worker", hello.identity.worker},
            {"generation", static_cast<std::int64_t>(hello.identity.generation)},
            {"uuid", hello.identity.uuid},
            {"pid", hello.pid},
            {"start_time", static_cast<std::int64_t>(hello.start_time)},
            {"build", hello.build},
            {"stage", text_of(stages, hello.stage)},
            {"wanted", hello.wanted},
            {"fds", to_array(hello.fds)}};
}

json::array to_array(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) array.emplace_back(text);
    return array;
}

json::object to_json(const PoolSize& pool) {
    return {{"mode", text_of(pool_modes, pool.mode)},
            {"min", pool.min},
            {"max", pool.max},
            {"min_spare", pool.min_spare},
            {"max_spare", pool.max_spare},
            {"idle_timeout_ms", pool.idle_timeout.count()}};
}

json::object to_json(const Recycle& recycle) {
    return {{"requests", static_cast<std::int64_t>(recycle.requests)},
            {"rss", static_cast<std::int64_t>(recycle.rss)},
            {"unshared", static_cast<std::int64_t>(recycle.unshared)},
            {"age_ms", recycle.age.count()},
            {"idle_ms", recycle.idle.count()},
            {"jitter", recycle.jitter},
            {"refork", static_cast<std::int64_t>(recycle.refork)},
            {"reshare", recycle.reshare}};
}

json::object to_json(const TimeLimits& limits) {
    return {{"soft_ms", limits.soft.count()}, {"hard_ms", limits.hard.count()}, {"slow_ms", limits.slow.count()}};
}

json::object to_json(const ApplicationSource& app) {
    std::vector<std::string> modes;
    for (const auto& [glob, mode] : app.cgi_modes) {
        modes.push_back(glob);
        modes.push_back(mode);
    }
    return {{"psgi", app.psgi},
            {"cgi", app.cgi},
            {"cgi_mode", app.cgi_mode},
            {"cgi_modes", to_array(modes)},
            {"warmup", to_array(app.warmup)},
            {"development", app.development}};
}

json::object to_json(const Go& go) {
    return {{"type", "go"},
            {"kind", text_of(kinds, go.kind)},
            {"fds", to_array(go.fds)},
            {"grace_ms", go.grace.count()},
            {"front", to_json(go.front)},
            {"files", to_json(go.files)},
            {"app", to_json(go.app)},
            {"pool", to_json(go.pool)},
            {"recycle", to_json(go.recycle)},
            {"limits", to_json(go.limits)}};
}

json::object to_json(const Ready&) { return {{"type", "ready"}}; }

json::object to_json(const Failed& failed) {
    return {{"type", "failed"}, {"reason", std::string_view(failed.reason).substr(0, max_reason_bytes)}};
}

json::object to_json(const ChildStarted& child) {
    return {{"type", "child_started"}, {"pid", child.pid}, {"start_time", static_cast<std::int64_t>(child.start_time)}};
}

json::object to_json(const ChildReady& child) { return {{"type", "child_ready"}, {"pid", child.pid}}; }

json::object to_json(const ChildExited& child) {
    int value = 0;
    if (child.status.kind() == ExitStatus::Kind::exited) value = child.status.code();
    if (child.status.kind() == ExitStatus::Kind::signalled) value = child.status.signal();
    return {{"type", "child_exited"},
            {"pid", child.pid},
            {"how", text_of(exit_kinds, child.status.kind())},
            {"value", value},
            {"ready_ms", child.ready_for.count()},
            {"planned", child.planned},
            {"reason", std::string_view(child.reason).substr(0, max_reason_bytes)}};
}

json::object to_json(const ChildSlow& child) { return {{"type", "child_slow"}, {"pid", child.pid}}; }

json::object to_json(const PoolWants& pool) { return {{"type", "pool_wants"}, {"children", pool.children}}; }

json::object to_json(const Quarantined& known) { return {{"type", "quarantined"}, {"request", known.request}}; }
json::object to_json(const Impaired& worker) { return {{"type", "impaired"}, {"what", worker.what}}; }
json::object to_json(const CodeDrift& drift) { return {{"type", "code_drift"}, {"files", to_array(drift.files)}}; }

json::object to_json(const ReforkDue& child) { return {{"type", "refork_due"}, {"pid", child.pid}}; }

json::object to_json(const Resize& resize) { return {{"type", "resize"}, {"pool", to_json(resize.pool)}}; }

json::object to_json(const Release& release) { return {{"type", "release"}, {"pid", release.pid}}; }

json::object to_json(const Promote& promote) {
    return {{"type", "promote"}, {"pool", to_json(promote.pool)}, {"serve", promote.serve}};
}

json::object to_json(const Serve&) { return {{"type", "serve"}}; }

json::object to_json(const Reopen& reopen) { return {{"type", "reopen"}, {"fds", to_array(reopen.fds)}}; }

json::object to_json(const Drain& drain) { return {{"type", "drain"}, {"grace_ms", drain.grace.count()}}; }

json::object to_json(const Ask& ask) {
    return {{"type", "ask"}, {"id", static_cast<std::int64_t>(ask.id)}, {"text", ask.text}};
}

json::object to_json(const Answer& answer) {
    return {{"type", "answer"}, {"id", static_cast<std::int64_t>(answer.id)}, {"text", answer.text}};
}

Message read_hello(Reader& in) {
    Hello hello;
    hello.contract = static_cast<int>(in.number("contract", 1, 1'000'000));
    hello.role = in.choice("role", roles);
    hello.identity = {in.text("site"), in.text("worker"), in.counter("generation"), in.text("uuid")};
    hello.pid = in.pid();
    hello.start_time = in.counter("start_time");
    hello.build = in.text("build");
    if (hello.contract < 3) return hello; // it knew no other stage
    hello.stage = in.choice("stage", stages);
    hello.wanted = static_cast<int>(in.number("wanted", 0, max_pool));
    hello.fds = in.choices("fds", fd_roles);
    return hello;
}

PoolSize read_pool(Reader& in) {
    PoolSize pool;
    in.inside("pool", [&](Reader& inner) {
        pool.mode = inner.choice("mode", pool_modes);
        pool.min = static_cast<int>(inner.number("min", 0, max_pool));
        pool.max = static_cast<int>(inner.number("max", 0, max_pool));
        pool.min_spare = static_cast<int>(inner.number("min_spare", 0, max_pool));
        pool.max_spare = static_cast<int>(inner.number("max_spare", 0, max_pool));
        pool.idle_timeout = inner.duration("idle_timeout_ms");
    });
    return pool;
}

ApplicationSource read_app(Reader& in) {
    ApplicationSource app;
    in.inside("app", [&](Reader& inner) {
        app.psgi = inner.text("psgi");
        app.cgi = inner.text("cgi");
        app.cgi_mode = inner.text("cgi_mode");
        const auto modes = inner.texts("cgi_modes");
        for (std::size_t i = 0; i + 1 < modes.size(); i += 2) app.cgi_modes.emplace_back(modes[i], modes[i + 1]);
        app.warmup = inner.texts("warmup");
        app.development = inner.flag("development");
    });
    return app;
}

Message read_go(Reader& in) {
    Go go;
    go.kind = in.choice("kind", kinds);
    go.fds = in.choices("fds", fd_roles);
    go.grace = in.duration("grace_ms");
    go.front = in.part("front", front_from_json);
    go.files = in.part("files", files_from_json);
    go.app = read_app(in);
    go.pool = read_pool(in);
    in.inside("recycle", [&](Reader& inner) {
        go.recycle = {inner.counter("requests"), inner.counter("rss"), inner.counter("unshared"),
                      inner.age("age_ms"),       inner.age("idle_ms"), static_cast<int>(inner.number("jitter", 0, 100)),
                      inner.counter("refork"),   inner.flag("reshare")};
    });
    in.inside("limits", [&](Reader& inner) {
        go.limits = {inner.duration("soft_ms"), inner.duration("hard_ms"), inner.duration("slow_ms")};
    });
    return go;
}

Message read_child_exited(Reader& in) {
    ChildExited child;
    child.pid = in.pid();
    const auto how = in.choice("how", exit_kinds);
    const int value = static_cast<int>(in.number("value", 0, 255));
    if (how == ExitStatus::Kind::exited) child.status = ExitStatus::exited(value);
    if (how == ExitStatus::Kind::signalled) child.status = ExitStatus::signalled(value);
    child.ready_for = std::chrono::milliseconds(in.number("ready_ms", 0, std::numeric_limits<std::int64_t>::max()));
    child.planned = in.flag("planned");
    child.reason = in.text("reason");
    return child;
}

Message read_promote(Reader& in) {
    PoolSize pool = read_pool(in);
    return Promote{pool, in.flag("serve")};
}

Message read_child_started(Reader& in) {
    const pid_t pid = in.pid();
    return ChildStarted{pid, in.counter("start_time")};
}

Message read_ask(Reader& in) {
    const std::uint64_t id = in.counter("id");
    return Ask{id, in.text("text")};
}

Message read_answer(Reader& in) {
    const std::uint64_t id = in.counter("id");
    return Answer{id, in.text("text")};
}

struct Decoder {
    std::string_view type;
    Message (*read)(Reader&);
};

constexpr Decoder decoders[] = {
    {"hello", read_hello},
    {"go", read_go},
    {"ready", [](Reader&) -> Message { return Ready{}; }},
    {"failed", [](Reader& in) -> Message { return Failed{in.text("reason")}; }},
    {"child_started", read_child_started},
    {"child_ready", [](Reader& in) -> Message { return ChildReady{in.pid()}; }},
    {"child_exited", read_child_exited},
    {"child_slow", [](Reader& in) -> Message { return ChildSlow{in.pid()}; }},
    {"pool_wants",
     [](Reader& in) -> Message { return PoolWants{static_cast<int>(in.number("children", 0, max_pool))}; }},
    {"quarantined", [](Reader& in) -> Message { return Quarantined{in.text("request")}; }},
    {"impaired", [](Reader& in) -> Message { return Impaired{in.text("what")}; }},
    {"code_drift", [](Reader& in) -> Message { return CodeDrift{in.texts("files")}; }},
    {"refork_due", [](Reader& in) -> Message { return ReforkDue{in.pid()}; }},
    {"resize", [](Reader& in) -> Message { return Resize{read_pool(in)}; }},
    {"release", [](Reader& in) -> Message { return Release{in.pid()}; }},
    {"promote", read_promote},
    {"serve", [](Reader&) -> Message { return Serve{}; }},
    {"reopen", [](Reader& in) -> Message { return Reopen{in.choices("fds", fd_roles)}; }},
    {"drain", [](Reader& in) -> Message { return Drain{in.duration("grace_ms")}; }},
    {"ask", read_ask},
    {"answer", read_answer},
};

} // namespace

std::string encode(const Message& message) {
    return std::visit([](const auto& body) { return json::serialize(to_json(body)); }, message);
}

Result<Message> decode(std::string_view packet) {
    json::error_code error;
    const json::value value = json::parse(packet, error); // at most 32 levels deep by default
    if (error) return failure("contract message is not JSON: " + error.message());
    const json::object* object = value.if_object();
    if (!object) return failure("contract message is not an object");
    Reader reader(*object);
    const std::string type = reader.text("type");
    for (const auto& decoder : decoders) {
        if (decoder.type != type) continue;
        Message message = decoder.read(reader);
        if (!reader.problem().empty()) return failure("contract message \"" + type + "\": " + reader.problem());
        return message;
    }
    return failure("contract message of unknown type \"" + type.substr(0, 40) + "\"");
}

} // namespace mpsup::contract
