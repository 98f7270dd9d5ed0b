// What an event loop keeps of a request while it is being answered.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/log_notes.h"
#include "worker/http/reply.h"
#include "worker/http/response.h"
#include "worker/http/write_pace.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::http {

/// Apart from the connection, so that one that is idle does not carry it.
struct Turn {
    Reply reply;
    LogNotes notes;
    TimePoint start; // the head was there
    int status = 0;  // of the answer; 0: none yet
    BodyFraming framing = BodyFraming::none;
    std::string_view content;     // of a whole answer: what is still to be sent from memory
    std::uint64_t left = 0;       // content of a whole answer; of a streamed one with a length what is still to come
    std::uint64_t sent = 0;       // content bytes
    std::uint64_t chunk_left = 0; // of the chunk that was begun
    WritePace pace;
    bool touched = false;       // at least one byte of the answer went out
    bool streaming = false;     // between begin() and finish()
    bool whole = false;         // the answer went out, or was cut
    bool broken = false;        // it cannot be completed any more
    bool refused = false;       // the engine answers by itself
    std::function<void()> gone; // the handler wants to know when the client hangs up

    void clear() {
        reply.clear();
        notes.clear();
        status = 0;
        framing = BodyFraming::none;
        content = {};
        left = sent = chunk_left = 0;
        pace = {};
        touched = streaming = whole = broken = refused = false;
        gone = nullptr;
    }
};

/// Turns for all connections of a loop. Used from its thread.
class Turns {
public:
    [[nodiscard]] std::unique_ptr<Turn> take() {
        if (spare_.empty()) return std::make_unique<Turn>();
        auto turn = std::move(spare_.back());
        spare_.pop_back();
        return turn;
    }
    void give(std::unique_ptr<Turn> turn) {
        if (spare_.size() >= kept) return;
        turn->clear();
        spare_.push_back(std::move(turn));
    }

private:
    static constexpr std::size_t kept = 64;
    std::vector<std::unique_ptr<Turn>> spare_;
};

} // namespace mpsup::http
