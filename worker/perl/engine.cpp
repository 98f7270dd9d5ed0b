#include "worker/perl/engine.h"

#include "worker/perl/application.h"
#include "worker/perl/interpreter.h"
#include "worker/perl/perl_stack.h"
#include "worker/perl/psgi_response.h"

namespace mpsup::perl {

namespace {

class LibperlEngine final : public Engine {
public:
    std::string describe() const override { return "perl " MPSUP_PERL_VERSION; }

    Result<> start(int& argc, char**& argv, char**& environment) override {
        return interpreter_.start(argc, argv, environment);
    }

    Result<> load(const ApplicationPlan& plan) override {
        auto loaded = Application::load(interpreter_, plan);
        if (!loaded) return std::unexpected(loaded.error());
        application_ = std::move(*loaded);
        return {};
    }

    std::vector<std::string> loaded_files() override { return application_->loaded_files(); }
    CallOutcome call(const RequestInput& input, Reply& reply) override { return application_->call(input, reply); }
    bool finish_request() override { return application_->finish_request(); }

    void run_hook(Hook hook) override {
        const char* name = hook == Hook::post_fork ? "post_fork" : hook == Hook::pre_exit ? "pre_exit" : "pre_refork";
        interpreter_.call("Mpsup::run_hooks", name);
        if (hook == Hook::post_fork) application_->remember_state(); // what it did to the process is meant to last
    }

    void flush() noexcept override { interpreter_.flush(); }
    void became_child() noexcept override { interpreter_.became_child(); }
    bool is_our_process() const noexcept override { return interpreter_.is_our_process(); }
    void dispatch_signals() noexcept override { interpreter_.dispatch_signals(); }
    bool was_told_to_end() const noexcept override { return interpreter_.was_told_to_end(); }
    std::size_t copy_stack(std::span<char> text) const noexcept override {
        return copy_perl_stack(interpreter_.get(), text);
    }
    void interrupt() noexcept override { interpreter_.interrupt(); }

private:
    Interpreter interpreter_;
    std::unique_ptr<Application> application_;
};

} // namespace

Engine& linked_engine() {
    static LibperlEngine* const engine = new LibperlEngine; // never destroyed: nor is the interpreter
    return *engine;
}

} // namespace mpsup::perl
