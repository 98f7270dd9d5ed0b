#include "supervisor/cluster/keys.h"

#include "supervisor/cluster/records.h"

#include <algorithm>

namespace mpsup::cluster {

namespace {

std::string ten_digits(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    return std::string(10 - std::min<std::size_t>(digits.size(), 10), '0') + digits;
}

} // namespace

std::string Keys::topology(std::uint64_t number) const { return below("topology/", ten_digits(number)); }
std::string Keys::outcome(std::uint64_t number) const { return below("outcome/", ten_digits(number)); }

std::string Keys::past(std::uint64_t serial) const { return below("past/", std::to_string(serial % most_past)); }

std::string_view Keys::name_below(std::string_view folder, std::string_view key) const {
    if (!key.starts_with(prefix_)) return {};
    key.remove_prefix(prefix_.size());
    if (!key.starts_with(folder)) return {};
    return key.substr(folder.size());
}

Transaction Keys::listing() const {
    Transaction listing;
    for (const char* folder : {"machine/", "fence/", "vip/"})
        listing.then.emplace_back(Get{KeyRange::prefix(prefix_ + folder)});
    for (const std::string& key : {wanted(), change(), store(), converging(), orders()})
        listing.then.emplace_back(Get{{key}});
    return listing;
}

} // namespace mpsup::cluster
