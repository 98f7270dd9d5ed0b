// A request that outlives its connection.
#pragma once

#include "worker/http/request.h"

#include <memory>
#include <string>

namespace mpsup::accelerator {

/// Not movable: the views of `request` point into `text`.
struct OwnedRequest {
    http::Request request;
    std::string text;

    [[nodiscard]] static std::unique_ptr<OwnedRequest> copy(const http::Request& request);
};

} // namespace mpsup::accelerator
