// The links of a reply, wherever it has any.
#pragma once

#include "worker/contract/link_check.h"
#include "worker/link_check/page_client.h"
#include "worker/links/absolute_url.h"

#include <string>
#include <vector>

namespace mpsup::link_check {

struct FoundLink {
    contract::CrawledLink link{}; // without its page
    links::AbsoluteUrl target{};
};

struct PageLinks {
    std::vector<FoundLink> found{}; // in their order, one for each place that it leads to
    std::string unread{};           // why not all of the text was looked at; empty: it was, or there is none
};

/// Of its fields (Location, Content-Location, Link, Refresh), and of its content if that is HTML or CSS, as a browser finds and resolves
/// them; those of other schemes are left out. What is compressed unasked, was cut, has an encoding in which links are not found or costs
/// too much to parse is unread.
[[nodiscard]] PageLinks links_of(const PageReply& reply, const links::AbsoluteUrl& url);

/// Where one of these texts stands in the reply: a field's name, or "line 12". A host and port stand alone: they are no part of longer ones.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> secrets_in(const PageReply& reply,
                                                                          const std::vector<std::string>& secrets);

} // namespace mpsup::link_check
