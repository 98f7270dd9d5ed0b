// Who is told when a client hangs up while its request waits for others.
#pragma once

#include "worker/http/exchange.h"

#include <functional>
#include <utility>

namespace mpsup::accelerator {

/// As long as it lives. The exchange outlives it, and has one such listener at a time.
class HangUpWatch {
public:
    HangUpWatch(http::Exchange& exchange, std::function<void()> gone) : exchange_(exchange) {
        exchange_.on_gone(std::move(gone));
    }
    HangUpWatch(const HangUpWatch&) = delete;
    HangUpWatch& operator=(const HangUpWatch&) = delete;
    ~HangUpWatch() { exchange_.on_gone(nullptr); }

private:
    http::Exchange& exchange_;
};

} // namespace mpsup::accelerator
