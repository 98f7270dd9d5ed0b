#include "supervisor/cluster/etcd_messages.h"

#include "supervisor/cluster/base64.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace mpsup::cluster {

namespace json = boost::json;

namespace {

constexpr std::size_t most_items = 100'000; // of a list
constexpr std::size_t deepest = 16;
constexpr std::size_t longest_reason = 500;

// Writing. The gateway takes 64-bit numbers as texts, and leaves out what is zero.

json::object range_of(const KeyRange& keys) {
    json::object object{{"key", to_base64(keys.first)}};
    if (!keys.end.empty()) object["range_end"] = to_base64(keys.end);
    return object;
}

json::object object_of(const Get& get) {
    json::object object = range_of(get.keys);
    if (get.at > 0) object["revision"] = std::to_string(get.at);
    if (get.limit > 0) object["limit"] = std::to_string(get.limit);
    return object;
}

json::object object_of(const Operation& operation) {
    if (const auto* get = std::get_if<Get>(&operation)) return {{"request_range", object_of(*get)}};
    if (const auto* gone = std::get_if<Delete>(&operation)) return {{"request_delete_range", range_of(gone->keys)}};
    const auto& put = std::get<Put>(operation);
    json::object object{{"key", to_base64(put.key)}, {"value", to_base64(put.value)}};
    if (put.lease != 0) object["lease"] = std::to_string(put.lease);
    return {{"request_put", std::move(object)}};
}

json::array array_of(const std::vector<Operation>& operations) {
    json::array array;
    for (const Operation& operation : operations) array.push_back(object_of(operation));
    return array;
}

// Reading. The first thing that is wrong is remembered, and what is read in its place is nothing.
class Reader {
public:
    Reader(const json::object& object, std::string& problem) : object_(object), problem_(problem) {}

    template <typename Number> Number number(std::string_view key) {
        const json::value* value = object_.if_contains(key);
        if (!value) return 0;
        Number number = 0;
        if (const json::string* text = value->if_string()) {
            const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
            if (error == std::errc{} && end == text->data() + text->size() && number >= 0) return number;
        } else if (const std::int64_t* small = value->if_int64();
                   small && *small >= 0 && std::in_range<Number>(*small)) {
            return static_cast<Number>(*small);
        }
        return complain(key), Number{0};
    }
    bool flag(std::string_view key) {
        const json::value* value = object_.if_contains(key);
        if (!value) return false;
        if (const bool* flag = value->if_bool()) return *flag;
        return complain(key), false;
    }
    std::string text(std::string_view key) {
        const json::value* value = object_.if_contains(key);
        if (!value) return {};
        if (const json::string* text = value->if_string()) return std::string(*text);
        return complain(key), std::string();
    }
    std::string bytes(std::string_view key) {
        auto bytes = from_base64(text(key));
        if (!bytes) complain(key);
        return std::move(bytes).value_or(std::string());
    }
    template <typename Read> void object(std::string_view key, Read read) {
        const json::value* value = object_.if_contains(key);
        if (!value) return;
        if (const json::object* inner = value->if_object()) return read(Reader(*inner, problem_));
        complain(key);
    }
    /// Of objects.
    template <typename Read> void list(std::string_view key, Read read) {
        const json::value* value = object_.if_contains(key);
        if (!value) return;
        const json::array* items = value->if_array();
        if (!items || items->size() > most_items) return complain(key);
        for (const json::value& item : *items) {
            const json::object* inner = item.if_object();
            if (!inner) return complain(key);
            read(Reader(*inner, problem_));
        }
    }
    [[nodiscard]] bool has(std::string_view key) const { return object_.contains(key); }
    void complain(std::string_view key) {
        if (problem_.empty()) problem_ = "missing or bad \"" + std::string(key) + "\"";
    }

private:
    const json::object& object_;
    std::string& problem_;
};

// etcd leaves out a revision of 0 but never the cluster; the inner headers of a transaction have neither.
EtcdHeader read_header(Reader reader) {
    EtcdHeader header;
    if (!reader.has("header")) reader.complain("header");
    reader.object("header", [&](Reader inner) {
        header.cluster = inner.number<std::uint64_t>("cluster_id");
        header.revision = inner.number<Revision>("revision");
        if (header.cluster == 0) inner.complain("cluster_id");
    });
    return header;
}

KeyValue read_key_value(Reader reader) {
    KeyValue item;
    item.key = reader.bytes("key");
    item.value = reader.bytes("value");
    item.created = reader.number<Revision>("create_revision");
    item.modified = reader.number<Revision>("mod_revision");
    item.lease = reader.number<LeaseId>("lease");
    if (item.modified == 0) reader.complain("mod_revision");
    return item;
}

void read_found(Reader reader, GetReply& reply) {
    reader.list("kvs", [&](Reader item) { reply.found.push_back(read_key_value(item)); });
    reply.more = reader.flag("more");
}

constexpr std::string_view no_reason = "a refusal without a reason";

// Of a stream the error is an object itself.
Error refusal_in(const json::object& answer) {
    const json::value& error = answer.at("error");
    const json::object& object = error.is_object() ? error.get_object() : answer;
    std::string ignored;
    Reader reader(object, ignored);
    std::string words;
    for (const char* key : {"message", "error"})
        if (words.empty()) words = reader.text(key);
    const auto code = reader.number<int>(reader.has("grpc_code") ? "grpc_code" : "code");
    if (words.empty()) words = no_reason;
    return {"etcd: " + words.substr(0, longest_reason),
            code > 0 ? std::error_code(code, etcd_category()) : std::error_code{}};
}

// ": Client sent an HTTP request to an HTTPS server."
std::string plain_words(std::string_view line) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    const bool is_page = line.empty() || line.front() == '<' || line.size() > longest_reason;
    return is_page || !std::ranges::all_of(line, is_plain) ? "" : ": " + std::string(line);
}

std::optional<json::object> parse(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = deepest;
    json::value value = json::parse(text, error, {}, options);
    if (error || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

// An answer as a whole. A refusal is told from it by its `error`.
template <typename Reply, typename Read> Result<Reply> read_reply(std::string_view text, const char* what, Read read) {
    const auto object = parse(text);
    if (!object) return failure(std::string("etcd: the answer to ") + what + " is no JSON object");
    if (object->contains("error")) {
        return std::unexpected(refusal_in(*object));
    }
    std::string problem;
    Reply reply = read(Reader(*object, problem));
    if (problem.empty()) return reply;
    return failure(std::string("etcd: the answer to ") + what + " has a " + problem);
}

// What a stream wraps around each of its lines.
template <typename Reply, typename Read> Result<Reply> read_line(std::string_view line, const char* what, Read read) {
    return read_reply<Reply>(line, what, [&](Reader reader) {
        Reply reply;
        if (!reader.has("result")) reader.complain("result");
        reader.object("result", [&](Reader inner) { reply = read(inner); });
        return reply;
    });
}

LeaseReply lease_in(Reader reader) {
    LeaseReply reply;
    reply.header = read_header(reader);
    reply.lease = reader.number<LeaseId>("ID");
    reply.left = std::chrono::seconds(reader.number<std::int32_t>("TTL"));
    if (reply.lease == 0) reader.complain("ID");
    return reply;
}

Change read_change(Reader reader) {
    Change change;
    const std::string type = reader.text("type"); // left out: PUT
    change.deleted = type == "DELETE";
    if (!type.empty() && type != "DELETE" && type != "PUT") reader.complain("type");
    if (!reader.has("kv")) reader.complain("kv");
    reader.object("kv", [&](Reader inner) { change.now = read_key_value(inner); });
    return change;
}

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "etcd"; }
    std::string message(int code) const override {
        switch (static_cast<EtcdCode>(code)) {
        case EtcdCode::cancelled: return "cancelled";
        case EtcdCode::invalid_argument: return "invalid argument";
        case EtcdCode::deadline_exceeded: return "deadline exceeded";
        case EtcdCode::not_found: return "not found";
        case EtcdCode::permission_denied: return "permission denied";
        case EtcdCode::resource_exhausted: return "resource exhausted";
        case EtcdCode::failed_precondition: return "failed precondition";
        case EtcdCode::out_of_range: return "out of range";
        case EtcdCode::unavailable: return "unavailable";
        case EtcdCode::unauthenticated: return "not authenticated";
        case EtcdCode::unknown: break;
        }
        return "gRPC code " + std::to_string(code);
    }
};

} // namespace

// The first key behind all that begin with it: the last byte that can be counted up is, and what follows it is cut off.
KeyRange KeyRange::prefix(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
    if (end.empty()) return {prefix.empty() ? std::string(1, '\0') : std::string(prefix), std::string(1, '\0')};
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return {std::string(prefix), std::move(end)};
}

std::string to_json(const Get& get) { return json::serialize(object_of(get)); }

std::string to_json(const Transaction& transaction) {
    json::array conditions;
    for (const Unchanged& condition : transaction.when)
        conditions.push_back(json::object{{"target", "MOD"},
                                          {"result", "EQUAL"},
                                          {"key", to_base64(condition.key)},
                                          {"mod_revision", std::to_string(condition.modified)}});
    return json::serialize(json::object{{"compare", std::move(conditions)},
                                        {"success", array_of(transaction.then)},
                                        {"failure", array_of(transaction.otherwise)}});
}

std::string lease_grant(std::chrono::seconds time) {
    return json::serialize(json::object{{"TTL", std::to_string(time.count())}});
}

std::string lease_named(LeaseId lease) { return json::serialize(json::object{{"ID", std::to_string(lease)}}); }

std::string watch_request(const KeyRange& keys, Revision from) {
    json::object object = range_of(keys);
    object["start_revision"] = std::to_string(from);
    object["progress_notify"] = true;
    return json::serialize(json::object{{"create_request", std::move(object)}});
}

std::string login(std::string_view user, std::string_view password) {
    return json::serialize(json::object{{"name", user}, {"password", password}});
}

Result<GetReply> read_get(std::string_view text) {
    return read_reply<GetReply>(text, "range", [](Reader reader) {
        GetReply reply;
        reply.header = read_header(reader);
        read_found(reader, reply);
        return reply;
    });
}

Result<TransactionReply> read_transaction(std::string_view text) {
    return read_reply<TransactionReply>(text, "txn", [](Reader reader) {
        TransactionReply reply;
        reply.header = read_header(reader);
        reply.succeeded = reader.flag("succeeded");
        reader.list("responses", [&](Reader item) {
            GetReply& result = reply.results.emplace_back();
            result.header = reply.header;
            item.object("response_range", [&](Reader inner) { read_found(inner, result); });
        });
        return reply;
    });
}

Result<LeaseReply> read_lease(std::string_view text) { return read_reply<LeaseReply>(text, "lease/grant", lease_in); }

Result<LeaseReply> read_kept_alive(std::string_view line) {
    return read_line<LeaseReply>(line, "lease/keepalive", lease_in);
}

Result<WatchNews> read_watch(std::string_view line) {
    return read_line<WatchNews>(line, "watch", [](Reader reader) {
        WatchNews news;
        news.header = read_header(reader);
        news.over = reader.flag("canceled");
        news.reason = reader.text("cancel_reason").substr(0, longest_reason);
        if (const auto compacted = reader.number<Revision>("compact_revision"); compacted > 0)
            news.compacted = compacted;
        reader.list("events", [&](Reader item) { news.changes.push_back(read_change(item)); });
        return news;
    });
}

Result<std::string> read_token(std::string_view text) {
    return read_reply<std::string>(text, "auth/authenticate", [](Reader reader) {
        std::string token = reader.text("token");
        if (token.empty() || !std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; }))
            reader.complain("token"); // it becomes a field of HTTP
        return token;
    });
}

Error read_refusal(int status, std::string_view text) {
    const auto object = parse(text);
    Error refusal = object && object->contains("error") ? refusal_in(*object) : Error();
    if (refusal.what.empty())
        return {"etcd answers with HTTP status " + std::to_string(status) +
                plain_words(text.substr(0, text.find('\n')))};
    if (refusal.what.ends_with(no_reason)) refusal.what += ", HTTP status " + std::to_string(status);
    return refusal;
}

const std::error_category& etcd_category() noexcept {
    static const Category category;
    return category;
}

std::error_code make_error_code(EtcdCode code) noexcept { return {static_cast<int>(code), etcd_category()}; }

bool is_refusal(const Error& error) {
    return error.code.category() == etcd_category() && error.code.value() != 0 && error.code != EtcdCode::unavailable &&
           error.code != EtcdCode::deadline_exceeded && error.code != EtcdCode::cancelled &&
           error.code != EtcdCode::unknown;
}

} // namespace mpsup::cluster
