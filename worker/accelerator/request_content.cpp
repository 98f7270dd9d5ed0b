#include "worker/accelerator/request_content.h"

#include "worker/accelerator/signal.h"
#include "worker/http/error_log.h"

namespace mpsup::accelerator {

namespace {

constexpr std::chrono::milliseconds look_again{20};

// Nobody tells when another request gives room back, so it is looked for now and then.
http::Task<ContentOutcome> store(http::Exchange& exchange, Spool& spool, std::string_view piece,
                                 std::chrono::milliseconds patience) {
    const http::TimePoint end = http::Clock::now() + patience;
    for (;;) {
        switch (spool.append(piece)) {
        case Spool::Append::stored: co_return ContentOutcome::whole;
        case Spool::Append::never: co_return ContentOutcome::too_large;
        case Spool::Append::failed:
            http::log_error(http::Severity::error, spool.error().to_string());
            co_return ContentOutcome::no_disk;
        case Spool::Append::busy: break;
        }
        const http::TimePoint now = http::Clock::now();
        if (now >= end) co_return ContentOutcome::no_room;
        Signal nobody(exchange.context());
        static_cast<void>(co_await nobody.wait(now + look_again));
    }
}

} // namespace

http::Task<ContentOutcome> read_content(http::Exchange& exchange, Spool& spool, std::chrono::milliseconds patience) {
    for (;;) {
        const auto piece = co_await exchange.read_body();
        if (!piece) co_return ContentOutcome::gone;
        if (piece->empty()) co_return ContentOutcome::whole;
        const ContentOutcome outcome = co_await store(exchange, spool, *piece, patience);
        if (outcome != ContentOutcome::whole) co_return outcome;
    }
}

} // namespace mpsup::accelerator
