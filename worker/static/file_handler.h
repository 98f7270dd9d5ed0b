// The files of one folder as all that a light worker serves.
#pragma once

#include "base/background.h"
#include "worker/contract/front.h"
#include "worker/http/handler.h"
#include "worker/http/limits.h"
#include "worker/http/off_loop.h"
#include "worker/links/site_links.h"
#include "worker/static/error_pages.h"
#include "worker/static/static_files.h"

#include <memory>
#include <optional>
#include <utility>

namespace mpsup::static_files {

class FileHandler final : public http::Handler {
public:
    /// `error_pages`: the folder of pages where the route names none; empty: there are none. `links` outlives it; `tell`
    /// hears what became of pages (PageRewriting).
    [[nodiscard]] static Result<std::unique_ptr<FileHandler>> open(const contract::Route& route,
                                                                   const std::string& error_pages,
                                                                   const links::SiteLinks& links,
                                                                   std::function<void(contract::PageFate)> tell);

    [[nodiscard]] Verdict begin(const http::Request& request, const http::Client& client, http::LogNotes&,
                                http::Reply& reply) override {
        const bool is_probe = client.address.empty(); // on the private listener, which is a unix socket
        if (!is_probe && links_.redirect(request, reply)) return Verdict::answered;
        return files_->answer(request, reply) ? Verdict::later : Verdict::answered;
    }
    /// Of a large page whose links are to be rewritten: waits for the thread that does it.
    [[nodiscard]] http::Task<> serve(http::Exchange& exchange) override;
    void attach(boost::asio::io_context& context) override;
    void detach() noexcept override { rewriters_.reset(); }

    [[nodiscard]] std::shared_ptr<const std::string> refusal_page(int status, const http::Request*) override {
        return pages_ ? pages_->find(status, http::Clock::now()) : nullptr;
    }

private:
    explicit FileHandler(const links::SiteLinks& links) noexcept : links_(links) {}

    const links::SiteLinks& links_;
    std::optional<ErrorPages> pages_;
    Background compressors_{{.threads = 1, .waiting = 64, .nice = 10}};
    std::unique_ptr<http::OffLoop> rewriters_; // of a loop
    std::unique_ptr<StaticFiles> files_;
};

} // namespace mpsup::static_files
