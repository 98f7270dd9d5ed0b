#include "worker/static/file_handler.h"

#include "worker/http/exchange.h"

namespace mpsup::static_files {

namespace {

// Of one loop, that has nothing else to do.
constexpr FileCache::Bounds bounds{
    .files = 4096, .bytes = std::size_t{16} << 20U, .page_bytes = std::size_t{64} << 20U, .descriptors = 64};
// Each request that waits is a job, but only the first for a page has work; the loop goes before those who wait.
constexpr Background::Options rewriting{.threads = 1, .waiting = 65536, .nice = 5};

} // namespace

Result<std::unique_ptr<FileHandler>> FileHandler::open(const contract::Route& route, const std::string& error_pages,
                                                       const links::SiteLinks& links,
                                                       std::function<void(contract::PageFate)> tell) {
    std::unique_ptr<FileHandler> handler(new FileHandler(links));
    StaticFiles::Options options;
    options.bounds = bounds;
    options.defers = true;
    options.compressors = &handler->compressors_;
    options.pages = {links.map(), links.tag(), std::move(tell)};
    if (const std::string& folder = route.error_pages.empty() ? error_pages : route.error_pages; !folder.empty()) {
        auto pages = ErrorPages::open(folder);
        if (!pages) return std::unexpected(pages.error());
        options.error_pages = &handler->pages_.emplace(std::move(*pages));
    }
    auto files = StaticFiles::open(route.files, options);
    if (!files) return std::unexpected(files.error());
    handler->files_ = std::make_unique<StaticFiles>(std::move(*files));
    return handler;
}

void FileHandler::attach(boost::asio::io_context& context) {
    rewriters_ = std::make_unique<http::OffLoop>(context, rewriting);
}

http::Task<> FileHandler::serve(http::Exchange& exchange) {
    http::Reply reply;
    auto page = files_->answer(exchange.request(), reply);
    while (page) {
        std::function<void()> job = [page] { page->rewrite(); };
        const bool done = co_await rewriters_->run(std::move(job));
        if (!done) page->rewrite();
        page = files_->answer(exchange.request(), *page, reply);
    }
    static_cast<void>(co_await exchange.send(reply));
}

} // namespace mpsup::static_files
