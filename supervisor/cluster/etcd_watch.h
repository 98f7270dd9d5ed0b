// Following what changes in etcd.
#pragma once

#include "supervisor/cluster/etcd_question.h"

#include <boost/asio/awaitable.hpp>

#include <functional>

namespace mpsup::cluster {

using Tell = std::function<void(const WatchNews&)>;

/// Asks one endpoint after the other until one watches, and tells what that says to its end. `question` holds the
/// request, and the patience until it watches; `from` is the revision that it begins at; `turn` is that of the watches
/// when it was asked for.
[[nodiscard]] boost::asio::awaitable<Error> watch_any(Connections connections, Question question, Revision from,
                                                      unsigned turn, Tell tell);

} // namespace mpsup::cluster
