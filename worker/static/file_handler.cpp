#include "worker/static/file_handler.h"

namespace mpsup::static_files {

namespace {

// Of one loop, that has nothing else to do.
constexpr FileCache::Bounds bounds{.files = 4096, .bytes = std::size_t{16} << 20U, .descriptors = 64};

} // namespace

Result<std::unique_ptr<FileHandler>> FileHandler::open(const contract::Route& route, const std::string& error_pages,
                                                       const links::SiteLinks& links,
                                                       std::function<void(contract::PageFate)> tell) {
    std::unique_ptr<FileHandler> handler(new FileHandler(links));
    StaticFiles::Options options;
    options.bounds = bounds;
    options.compressors = &handler->compressors_;
    options.pages = {links.map(), links.tag(), std::move(tell)};
    if (const std::string& folder = route.error_pages.empty() ? error_pages : route.error_pages; !folder.empty()) {
        auto pages = ErrorPages::open(folder);
        if (!pages) return std::unexpected(pages.error());
        options.error_pages = &handler->pages_.emplace(std::move(*pages));
    }
    auto files = StaticFiles::open(route.files, options);
    if (!files) return std::unexpected(files.error());
    handler->files_.emplace(std::move(*files));
    return handler;
}

} // namespace mpsup::static_files
