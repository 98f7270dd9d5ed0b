// The files of one folder as all that a light worker serves.
#pragma once

#include "base/background.h"
#include "worker/contract/front.h"
#include "worker/http/handler.h"
#include "worker/http/limits.h"
#include "worker/static/error_pages.h"
#include "worker/static/static_files.h"

#include <memory>
#include <optional>
#include <utility>

namespace mpsup::static_files {

class FileHandler final : public http::Handler {
public:
    /// `error_pages`: the folder of pages where the route names none; empty: there are none.
    [[nodiscard]] static Result<std::unique_ptr<FileHandler>> open(const contract::Route& route,
                                                                   const std::string& error_pages);

    [[nodiscard]] Verdict begin(const http::Request& request, const http::Client&, http::LogNotes&,
                                http::Reply& reply) override {
        files_->answer(request, reply);
        return Verdict::answered;
    }

    [[nodiscard]] std::shared_ptr<const std::string> refusal_page(int status, const http::Request*) override {
        return pages_ ? pages_->find(status, http::Clock::now()) : nullptr;
    }

private:
    FileHandler() = default;

    std::optional<ErrorPages> pages_;
    Background compressors_{{.threads = 1, .waiting = 64, .nice = 10}};
    std::optional<StaticFiles> files_;
};

} // namespace mpsup::static_files
