// What etcd, or something in its place, answers: read as each kind of answer.
#include "supervisor/cluster/etcd_messages.h"
#include "supervisor/cluster/base64.h"

#include <cstdint>
#include <cstdlib>

namespace cluster = mpsup::cluster;

namespace {

void check(const std::vector<cluster::KeyValue>& items) {
    for (const cluster::KeyValue& item : items)
        if (item.modified <= 0 || item.created < 0 || item.lease < 0) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bytes = cluster::from_base64(text); bytes && cluster::to_base64(*bytes) != text) std::abort();
    if (const auto reply = cluster::read_get(text)) check(reply->found);
    if (const auto reply = cluster::read_transaction(text))
        for (const auto& result : reply->results) check(result.found);
    for (const auto& reply : {cluster::read_lease(text), cluster::read_kept_alive(text)})
        if (reply && (reply->lease <= 0 || reply->left.count() < 0)) std::abort();
    if (const auto news = cluster::read_watch(text))
        for (const cluster::Change& change : news->changes)
            if (change.now.modified <= 0) std::abort();
    static_cast<void>(cluster::read_token(text));
    if (cluster::read_refusal(503, text).to_string().empty()) std::abort();
    return 0;
}
