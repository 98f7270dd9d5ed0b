// The application that is loaded, called for each request. Private to worker/perl; engine.h is its contract.
#pragma once

#include "worker/perl/engine.h"
#include "worker/perl/interpreter.h"

#include <memory>
#include <string>

namespace mpsup::perl {

class Application {
public:
    [[nodiscard]] static Result<std::unique_ptr<Application>> load(Interpreter& interpreter,
                                                                   const ApplicationPlan& plan);
    /// One that a program that is Perl itself brings along (a code reference, `SV*`).
    [[nodiscard]] static std::unique_ptr<Application> wrap(Interpreter& interpreter, void* code);
    ~Application();

    [[nodiscard]] CallOutcome call(const RequestInput& input, Reply& reply);
    [[nodiscard]] bool finish_request();
    [[nodiscard]] std::vector<std::string> loaded_files();
    /// As the process is now, each request finds it from here on.
    void remember_state();

private:
    class Impl;
    explicit Application(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mpsup::perl
