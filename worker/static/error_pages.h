// Pages of the site for replies that say that something went wrong.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/reply.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace mpsup::static_files {

/// A folder of "404.html", "50x.html" (500 to 509), "5xx.html" (all of them) and "maintenance.html"; the most exact name
/// counts. Read when it is opened, and again when something of it has changed, which is looked at once a second at most, and
/// only when a page is asked for. A page that cannot be read, is empty or larger than 256 KiB is not there. Used from one
/// thread.
class ErrorPages {
public:
    using Time = std::chrono::steady_clock::time_point;

    [[nodiscard]] static Result<ErrorPages> open(const std::string& folder);

    /// The page of a status from 400 on, or nothing.
    [[nodiscard]] std::shared_ptr<const std::string> find(int status, Time now);
    [[nodiscard]] std::shared_ptr<const std::string> maintenance(Time now);

    /// Gives a reply of our own making, whose status is 400 or more, the content of its page, when there is one. Fields but
    /// Content-Type stay.
    void apply(http::Reply& reply, Time now);

private:
    struct Page {
        struct stat status{};
        std::shared_ptr<const std::string> content; // nothing: it cannot be used as it is
    };

    explicit ErrorPages(Fd folder) noexcept : folder_(std::move(folder)) {}
    void refresh(Time now);
    [[nodiscard]] std::shared_ptr<const std::string> page(std::string_view name) const;

    Fd folder_;
    std::map<std::string, Page, std::less<>> pages_; // by file name
    std::optional<Time> looked_;
};

} // namespace mpsup::static_files
