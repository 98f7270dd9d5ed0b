// The files of one folder as all that a light worker serves.
#pragma once

#include "worker/http/handler.h"
#include "worker/static/static_files.h"

#include <utility>

namespace mpsup::static_files {

class FileHandler final : public http::Handler {
public:
    explicit FileHandler(StaticFiles files) noexcept : files_(std::move(files)) {}

    [[nodiscard]] Verdict begin(const http::Request& request, const http::Client&, http::LogNotes&,
                                http::Reply& reply) override {
        files_.answer(request, reply);
        return Verdict::answered;
    }

private:
    StaticFiles files_;
};

} // namespace mpsup::static_files
