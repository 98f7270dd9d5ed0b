// Asks for everything that links of a site lead to.
#pragma once

#include "worker/contract/link_check.h"
#include "worker/link_check/page_client.h"

#include <functional>

namespace mpsup::link_check {

/// How a page is got; a PageClient's get(), or a test's.
using Get = std::function<Result<PageReply>(const PageRequest&, std::size_t most, http::TimePoint deadline)>;
/// Where facts go. False: nobody wants more.
using Tell = std::function<bool(const contract::LinkFact&)>;

/// Breadth first, each URL once, by GET, on the job's servers alone, until nothing is left or the job's limits are reached. A
/// page is told before its links are, and what is excluded is told as a link, not asked for. A redirect counts as a link; after
/// twenty in a row it is not followed. The last fact says how it ended. An error: the job makes no sense.
[[nodiscard]] Result<> crawl(const contract::LinkJob& job, const Get& get, const Tell& tell);

constexpr std::uint32_t most_redirects = 20;

/// Does `text` match a pattern in which `*` stands for any text?
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text) noexcept;

} // namespace mpsup::link_check
