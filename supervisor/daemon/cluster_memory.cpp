#include "supervisor/daemon/cluster_memory.h"

#include "base/fd.h"

#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace mpsup {

namespace json = boost::json;

namespace {

constexpr std::size_t longest = 1U << 20U;

std::string text_in(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Numbers beyond 2^53 are in it: they are kept as texts.
std::uint64_t number_in(const json::object& object, std::string_view key) {
    const std::string text = text_in(object, key);
    return text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 20
               ? 0
               : std::strtoull(text.c_str(), nullptr, 10);
}

ClusterMemory unreadable() {
    ClusterMemory memory;
    memory.store.store.id = cluster::unreadable_store;
    return memory;
}

ClusterMemory memory_in(const json::object& object) {
    ClusterMemory memory;
    if (auto store = cluster::decode_memory(text_in(object, "store")))
        memory.store = std::move(*store);
    else
        memory.store.store.id = cluster::unreadable_store;
    memory.runs = {number_in(object, "number"), text_in(object, "digest")};
    memory.document = text_in(object, "document");
    memory.before = text_in(object, "before");
    return memory;
}

} // namespace

ClusterMemory read_cluster_memory(const std::string& path) {
    const auto file = open_file(path, O_RDONLY);
    if (!file && file.error().code == std::errc::no_such_file_or_directory) return {};
    if (!file) return unreadable();
    std::string text(longest, '\0');
    const ssize_t size = ::read(file->get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    return error || !value.is_object() ? unreadable() : memory_in(value.get_object());
}

std::string text_of(const ClusterMemory& memory) {
    return json::serialize(json::object{{"store", cluster::encode(memory.store)},
                                        {"number", std::to_string(memory.runs.number)},
                                        {"digest", memory.runs.digest},
                                        {"document", memory.document},
                                        {"before", memory.before}}) +
           "\n";
}

} // namespace mpsup
