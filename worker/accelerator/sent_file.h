// Files that the application tells us to send: X-Sendfile and X-Accel-Redirect.
#pragma once

#include "worker/accelerator/accelerator.h"
#include "worker/accelerator/reply_fields.h"
#include "worker/http/reply.h"

namespace mpsup::accelerator {

/// Fills `reply`, which is clear, with the file that the directives of `fields` name: by a path below the root of a route that
/// serves files (X-Sendfile), or by a URL that such a route answers (X-Accel-Redirect). Ranges and conditions of `request`
/// are those of the file; what the application said of the content and of its use (Content-Type, Content-Disposition,
/// Cache-Control, Expires, Set-Cookie, …) goes before what the file would say. False: there is no such folder or file.
[[nodiscard]] bool fill_sent_file(http::Reply& reply, Accelerator& accelerator, const http::Request& request,
                                  const ReplyFields& fields);

} // namespace mpsup::accelerator
