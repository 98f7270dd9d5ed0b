// A PSGI application, loaded once and called for each request.
#pragma once

#include "base/error.h"
#include "worker/perl/interpreter.h"
#include "worker/perl/reply.h"

#include <memory>
#include <string>

namespace mpsup::perl {

/// How a call of the application went.
struct CallOutcome {
    bool started = false; // Reply::start was called and accepted
    bool whole = false;   // all of the reply was given
    std::string error;    // what the application died of, or which rule it broke; empty: nothing
};

class Application {
public:
    /// Loads a .psgi file with Plack::Util::load_psgi. The error is Perl's own message, with file and line.
    [[nodiscard]] static Result<std::unique_ptr<Application>> load(Interpreter& interpreter, const std::string& file);
    ~Application();

    /// Calls it and passes its response on to `reply` while it is made: an array, a file handle, an object with getline,
    /// or a code reference (delayed or streaming). Nothing that it does (die, exit, bad responses, magic that dies)
    /// comes out of here but as an outcome. When `started` is false nobody has answered yet.
    [[nodiscard]] CallOutcome call(const RequestInput& input, Reply& reply);

private:
    class Impl;
    explicit Application(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mpsup::perl
