// Pools that run get another size.
#pragma once

#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// What is asked of one pool: a number of children, or so many more or fewer.
struct ScaleOrder {
    std::string worker;
    bool is_relative = false;
    int count = 0;
};

/// "httpd_perl=6", "httpd_perl=+2", "httpd_perl=-1"; nothing for anything else.
[[nodiscard]] std::optional<ScaleOrder> parse_scale(std::string_view text);

/// So many more or fewer children in every pool that has a number, as far as it goes: an order for each that changes.
[[nodiscard]] std::vector<ScaleOrder> orders_for_all(const Site& site, int difference);

/// Gives pools that run another size, without a restart: of a fixed one its size, of others their `max`. It lasts until
/// the next `up`. All or none: nothing is changed when one of the orders cannot be carried out.
[[nodiscard]] boost::asio::awaitable<Outcome> scale(Site& site, std::vector<ScaleOrder> orders, Report report);

} // namespace mpsup
