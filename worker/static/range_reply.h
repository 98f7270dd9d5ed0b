// Replies that hold parts of a file (RFC 9110 sections 14 and 15.3.7).
#pragma once

#include "worker/http/byte_ranges.h"
#include "worker/http/reply.h"
#include "worker/http/request.h"
#include "worker/static/stored_file.h"

#include <ctime>
#include <memory>
#include <optional>
#include <vector>

namespace mpsup::static_files {

/// Does the request want parts, as far as its fields say? Other methods than GET have none (section 14.2), and of two fields
/// none is right.
[[nodiscard]] std::optional<std::string_view> wanted_parts(const http::Request& request) noexcept;

/// The parts of this form that `field` (Range) names; nothing: the whole, because If-Range names another state or the field
/// makes no sense. `now`: wall clock.
[[nodiscard]] std::optional<std::vector<http::ByteRange>>
select_parts(const http::Request& request, std::string_view field, const Form& form, std::time_t now);

/// Status 206 with these parts, several as multipart/byteranges; 416 when there are none.
void send_parts(http::Reply& reply, const std::vector<http::ByteRange>& ranges,
                const std::shared_ptr<const Form>& form);

/// A reply of our own making: its status in plain text.
void refuse(http::Reply& reply, int status);

} // namespace mpsup::static_files
