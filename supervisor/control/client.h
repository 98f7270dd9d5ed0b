// Talking to a running supervisor, from the command line. Blocking.
#pragma once

#include "base/error.h"

#include <chrono>
#include <functional>
#include <string>

namespace mpsup {

struct ControlReply {
    int status = 0;
    std::string body;
};

/// Does somebody answer there? A process that is just being killed still lets one connect. One that takes its time (two
/// seconds) is there. ECONNREFUSED and ENOENT mean that no supervisor runs, as does a connection that ends without a whole answer
/// (ECONNRESET, here and below).
[[nodiscard]] Result<> check_control_socket(const std::string& socket);

/// GET, whole answer. ETIMEDOUT when it does not come in time.
[[nodiscard]] Result<ControlReply> control_get(const std::string& socket, const std::string& path,
                                               std::chrono::milliseconds timeout);

/// Takes a line of a streamed answer; false: no more of it is wanted.
using OnLine = std::function<bool(const std::string& line)>;

/// GET of a streamed answer. As control_post.
[[nodiscard]] Result<ControlReply> control_stream(const std::string& socket, const std::string& path,
                                                  std::chrono::milliseconds timeout, const OnLine& on_line);

/// POST of a JSON body; each line of a streamed answer goes to `on_line` as it comes. Any other answer is returned
/// whole in `body`. `timeout` covers all of it; zero: none.
[[nodiscard]] Result<ControlReply> control_post(const std::string& socket, const std::string& path,
                                                const std::string& json, std::chrono::milliseconds timeout,
                                                const OnLine& on_line);

} // namespace mpsup
