// A client that asks for pages, one after the other.
#pragma once

#include "base/address.h"
#include "base/error.h"
#include "worker/http/limits.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_ctx_st; // OpenSSL's own name. NOLINT(readability-identifier-naming)

namespace mpsup::link_check {

struct PageRequest {
    Address address;         // to connect to
    bool tls = false;        // whatever certificate is shown: it is the site's own check of its links
    std::string authority{}; // for Host, and without its port the name that TLS asks for
    std::string target = "/";
};

struct PageReply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields{};
    std::string body{};
    bool is_cut = false; // there was more of it

    /// The value of the first field of that name (any case), or empty.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
};

/// Waits: for one thread. Each request has a connection of its own.
class PageClient {
public:
    PageClient();
    ~PageClient();
    PageClient(const PageClient&) = delete;
    PageClient& operator=(const PageClient&) = delete;

    /// The whole reply, at most `most` bytes of its content, by the deadline.
    [[nodiscard]] Result<PageReply> get(const PageRequest& request, std::size_t most, http::TimePoint deadline);

private:
    struct ContextDeleter {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    std::unique_ptr<ssl_ctx_st, ContextDeleter> context_; // made when it is first needed
};

} // namespace mpsup::link_check
