// The head of a reply from the cache, put together from what is stored nearly ready-made.
#pragma once

#include "worker/cache/rule.h"
#include "worker/http/response_writer.h"

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::cache {

struct StoredReply {
    int status = 200;        // what the client gets: the stored status, 304, 206 or 416
    std::string_view fields; // as stored
    Seconds age = 0;
    std::string_view cache_status;  // the value of the field; empty: left out
    std::uint64_t length = 0;       // bytes of content
    std::string_view content_range; // of a 206 or 416
    std::string_view content_type;  // in place of the stored one (multipart); empty: the stored one
    bool close = false;
};

/// Appends status line, fields and the empty line, framed as http::write_head would. A 304 has of the stored fields those that
/// it must have (RFC 9110 section 15.4.5), a 416 none of them. Nothing is allocated but what `out` needs.
http::WrittenHead write_stored_head(std::string& out, const StoredReply& reply, const http::ReplyContext& context);

} // namespace mpsup::cache
