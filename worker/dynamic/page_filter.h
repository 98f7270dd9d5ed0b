// Rewrites the links of what an application answers.
#pragma once

#include "worker/contract/page_fate.h"
#include "worker/http/limits.h"
#include "worker/links/page_head.h"
#include "worker/perl/reply.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace mpsup::dynamic {

/// Between an application and its client. The content of a page (page_head.h) is held until it is whole, and its links are
/// rewritten then. What was held goes out as it came, and the rest of the page with it, when
///  - it becomes larger than links::most_rewritten;
///  - the application was silent for `silence` between two pieces of it, or takes longer than `patience` in all: its client may be
///    waiting for the beginning. While the application says nothing nobody is here to notice, so this is found with
///    the next piece, or when the application asks for it (flush);
///  - it takes the connection for itself;
///  - the answer turns out not to be whole.
/// The fields of every response are looked at, those of interim ones too. Every page has a tag of ours (page_tag.h), rewritten or not.
/// One thread.
class PageFilter final : public perl::Reply {
public:
    using Tell = std::function<void(contract::PageFate)>;

    static constexpr std::chrono::milliseconds silence{1'000};
    static constexpr std::chrono::milliseconds patience{5'000};

    /// `map` outlives it; `tag` is its. `tell` hears of each page once; `now` is asked for each piece.
    PageFilter(const links::LinkMap& map, links::PageTag tag, Tell tell, http::TimePoint (*now)())
        : map_(map), tag_(std::move(tag)), tell_(std::move(tell)), now_(now) {}

    /// Both are good until finish(); so is what it returns: the request as the application is to see it (page_head.h).
    [[nodiscard]] const http::Request& begin(const http::Request& request, perl::Reply& client);
    /// The application has returned: what is held goes out. `whole`: all of the answer was given; the same of what went out.
    [[nodiscard]] bool finish(bool whole);

    // perl::Reply
    Started start(int status, std::span<const http::Field> fields, std::optional<std::uint64_t> length,
                  bool close) override;
    bool write(std::string_view bytes) override;
    bool send_file(int fd, std::uint64_t offset, std::uint64_t count) override;
    bool flush() override;
    Started inform(int status, std::span<const http::Field> fields) override;
    Connection take_connection() override;

private:
    [[nodiscard]] Started pass(std::optional<std::uint64_t> length);
    [[nodiscard]] bool release(contract::PageFate fate);
    [[nodiscard]] bool send_held(std::string_view content, std::optional<std::uint64_t> length);
    [[nodiscard]] bool has_waited();

    const links::LinkMap& map_;
    links::PageTag tag_;
    Tell tell_;
    http::TimePoint (*now_)();
    const http::Request* request_ = nullptr;
    http::Request seen_{};
    std::string own_tags_; // that seen_ looks at
    perl::Reply* client_ = nullptr;
    links::PageFields fields_;
    int status_ = 0;
    bool close_ = false;
    std::optional<std::uint64_t> length_; // that was announced
    links::PageKind kind_ = links::PageKind::none;
    std::string charset_;
    bool holding_ = false;
    std::string held_; // its memory is used again
    http::TimePoint began_{}, last_{};
};

} // namespace mpsup::dynamic
