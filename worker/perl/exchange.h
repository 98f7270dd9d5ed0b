// The request in hand, as the XS functions see it. Private to worker/perl.
#pragma once

#include "worker/perl/interpreter.h"
#include "worker/perl/perl_api.h"
#include "worker/perl/psgi_input.h"
#include "worker/perl/psgi_io.h"
#include "worker/perl/reply.h"

namespace mpsup::perl {

/// Lives in the frame that calls into Perl, outside of everything that a die() unwinds with longjmp: so what its members
/// own is never leaked, whatever the application does. XS functions own nothing with a destructor themselves.
struct Exchange {
    Interpreter* interpreter = nullptr;
    const RequestInput* input = nullptr;
    Reply* reply = nullptr;
    SV* application = nullptr;  // borrowed
    HV* env_template = nullptr; // borrowed
    SV* env = nullptr;          // a reference to the environment, owned; until finish_request()
    UV serial = 0;
    InputHandles inputs;
    ConnectionHandles connections;

    bool started = false;
    bool timed_out = false; // it was interrupted for its soft limit
    bool taken = false;     // the application has the connection

    bool broken = false;                    // the client is gone, or more came than was announced
    std::optional<std::uint64_t> announced; // Content-Length of the application
    std::uint64_t written = 0;
    bool has_content = true; // of the reply that was started: not 204, 205 or 304

    std::vector<http::Field> fields; // of the head that is being read
    std::string text;                // storage for lowered or joined text
    std::vector<std::string_view> pieces;
};

/// The one that is being served, or null.
[[nodiscard]] Exchange* current_exchange() noexcept;
void set_current_exchange(Exchange* exchange) noexcept;

} // namespace mpsup::perl
