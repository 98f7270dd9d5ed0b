// What a store answers to a listing.
#pragma once

#include "supervisor/cluster/etcd_messages.h"

#include <map>
#include <string>

namespace mpsup::cluster {

/// `items`: by their keys.
inline TransactionReply listed(const Transaction& listing, const std::map<std::string, KeyValue>& items,
                               EtcdHeader header) {
    TransactionReply reply{header, true, {}};
    for (const Operation& operation : listing.then) {
        GetReply part;
        const KeyRange& range = std::get<Get>(operation).keys;
        for (const auto& [key, item] : items)
            if (range.end.empty() ? key == range.first : key >= range.first && key < range.end)
                part.found.push_back(item);
        reply.results.push_back(std::move(part));
    }
    return reply;
}

} // namespace mpsup::cluster
