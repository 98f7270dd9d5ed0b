// What an event-loop worker does with a request.
#pragma once

#include "worker/http/client_info.h"
#include "worker/http/log_notes.h"
#include "worker/http/reply.h"
#include "worker/http/request.h"
#include "worker/http/task.h"

#include <memory>
#include <string>

namespace mpsup::http {

class Exchange;

/// One for each event loop; everything is called in the thread of that loop.
class Handler {
public:
    enum class Verdict {
        answered, // the reply is filled; what the client sent along is thrown away
        later,    // serve() answers
    };

    virtual ~Handler() = default;

    /// Called when the head of a request is there. Must not wait for anything but the file system. Fills `reply`, which is
    /// clear, or says `later`. What it is given is good during the call only.
    [[nodiscard]] virtual Verdict begin(const Request& request, const Client& client, LogNotes& notes,
                                        Reply& reply) = 0;

    /// After `later`: see Exchange. An exception counts as returning.
    [[nodiscard]] virtual Task<> serve(Exchange& exchange);

    /// The content (HTML) of a refusal that the engine gives by itself; null: a plain text. `request`: what is refused, when its
    /// head was understood; else null, and nobody knows whom it was for.
    [[nodiscard]] virtual std::shared_ptr<const std::string> refusal_page(int status, const Request* request);

    /// Before the loop runs: what the handler does on its own account (timers, kept connections) it does on `context`.
    virtual void attach(boost::asio::io_context&) {}
    /// When the loop has ended for good, in its thread still: whatever belongs to the context must be let go of now. Calls of serve() that were
    /// cut short are not resumed, only destroyed, right afterwards.
    virtual void detach() noexcept {}
};

} // namespace mpsup::http
