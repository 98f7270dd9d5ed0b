// What is likely wrong when etcd cannot be asked.
#pragma once

#include <string>
#include <string_view>

namespace mpsup::cluster {

/// What an operator can do about `problem`, an error of EtcdClient in its words; empty: these say all. `prefix`: of the keys. Pure.
[[nodiscard]] std::string etcd_advice(std::string_view problem, std::string_view prefix);

} // namespace mpsup::cluster
