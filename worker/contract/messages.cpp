#include "worker/contract/messages.h"

#include "worker/contract/front_json.h"
#include "worker/contract/links_json.h"
#include "worker/contract/object_reader.h"

#include <limits>
#include <utility>

namespace json = boost::json;

namespace mpsup::contract {

namespace {

constexpr std::size_t max_reason_bytes = 16384; // leaves room for JSON's escapes in one packet
constexpr std::int64_t max_pool = 1'000;

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
            {"links", to_json(go.links)},
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

json::object to_json(const Backends& backends) { return {{"type", "backends"}, {"out", to_array(backends.out)}}; }

Message read_hello(ObjectReader& in) {
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

PoolSize read_pool(ObjectReader& in) {
    PoolSize pool;
    in.inside("pool", [&](ObjectReader& inner) {
        pool.mode = inner.choice("mode", pool_modes);
        pool.min = static_cast<int>(inner.number("min", 0, max_pool));
        pool.max = static_cast<int>(inner.number("max", 0, max_pool));
        pool.min_spare = static_cast<int>(inner.number("min_spare", 0, max_pool));
        pool.max_spare = static_cast<int>(inner.number("max_spare", 0, max_pool));
        pool.idle_timeout = inner.duration("idle_timeout_ms");
    });
    return pool;
}

ApplicationSource read_app(ObjectReader& in) {
    ApplicationSource app;
    in.inside("app", [&](ObjectReader& inner) {
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

Message read_go(ObjectReader& in) {
    Go go;
    go.kind = in.choice("kind", kinds);
    go.fds = in.choices("fds", fd_roles);
    go.grace = in.duration("grace_ms");
    go.front = in.part("front", front_from_json);
    if (in.has("links")) go.links = in.part("links", links_from_json); // a supervisor of before says nothing of them
    go.files = in.part("files", files_from_json);
    go.app = read_app(in);
    go.pool = read_pool(in);
    in.inside("recycle", [&](ObjectReader& inner) {
        go.recycle = {inner.counter("requests"), inner.counter("rss"), inner.counter("unshared"),
                      inner.age("age_ms"),       inner.age("idle_ms"), static_cast<int>(inner.number("jitter", 0, 100)),
                      inner.counter("refork"),   inner.flag("reshare")};
    });
    in.inside("limits", [&](ObjectReader& inner) {
        go.limits = {inner.duration("soft_ms"), inner.duration("hard_ms"), inner.duration("slow_ms")};
    });
    return go;
}

Message read_child_exited(ObjectReader& in) {
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

Message read_promote(ObjectReader& in) {
    PoolSize pool = read_pool(in);
    return Promote{pool, in.flag("serve")};
}

Message read_child_started(ObjectReader& in) {
    const pid_t pid = in.pid();
    return ChildStarted{pid, in.counter("start_time")};
}

Message read_ask(ObjectReader& in) {
    const std::uint64_t id = in.counter("id");
    return Ask{id, in.text("text")};
}

Message read_answer(ObjectReader& in) {
    const std::uint64_t id = in.counter("id");
    return Answer{id, in.text("text")};
}

struct Decoder {
    std::string_view type;
    Message (*read)(ObjectReader&);
};

constexpr Decoder decoders[] = {
    {"hello", read_hello},
    {"go", read_go},
    {"ready", [](ObjectReader&) -> Message { return Ready{}; }},
    {"failed", [](ObjectReader& in) -> Message { return Failed{in.text("reason")}; }},
    {"child_started", read_child_started},
    {"child_ready", [](ObjectReader& in) -> Message { return ChildReady{in.pid()}; }},
    {"child_exited", read_child_exited},
    {"child_slow", [](ObjectReader& in) -> Message { return ChildSlow{in.pid()}; }},
    {"pool_wants",
     [](ObjectReader& in) -> Message { return PoolWants{static_cast<int>(in.number("children", 0, max_pool))}; }},
    {"quarantined", [](ObjectReader& in) -> Message { return Quarantined{in.text("request")}; }},
    {"impaired", [](ObjectReader& in) -> Message { return Impaired{in.text("what")}; }},
    {"code_drift", [](ObjectReader& in) -> Message { return CodeDrift{in.texts("files")}; }},
    {"refork_due", [](ObjectReader& in) -> Message { return ReforkDue{in.pid()}; }},
    {"resize", [](ObjectReader& in) -> Message { return Resize{read_pool(in)}; }},
    {"release", [](ObjectReader& in) -> Message { return Release{in.pid()}; }},
    {"promote", read_promote},
    {"serve", [](ObjectReader&) -> Message { return Serve{}; }},
    {"reopen", [](ObjectReader& in) -> Message { return Reopen{in.choices("fds", fd_roles)}; }},
    {"drain", [](ObjectReader& in) -> Message { return Drain{in.duration("grace_ms")}; }},
    {"ask", read_ask},
    {"answer", read_answer},
    {"backends", [](ObjectReader& in) -> Message { return Backends{in.texts("out")}; }},
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
    ObjectReader reader(*object);
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
