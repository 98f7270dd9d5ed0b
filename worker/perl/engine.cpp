#include "worker/perl/engine.h"

#include "worker/perl/adopted_engine.h"
#include "worker/perl/application.h"
#include "worker/perl/interpreter.h"
#include "worker/perl/perl_stack.h"
#include "worker/perl/psgi_response.h"
#include "worker/perl/sharing.h"

namespace mpsup::perl {

namespace {

class LibperlEngine final : public Engine {
public:
    std::string describe() const override { return "perl " MPSUP_PERL_VERSION; }

    Result<> start(int& argc, char**& argv, char**& environment) override {
        return interpreter_.start(argc, argv, environment);
    }

    Result<> adopt(::interpreter* running) { return interpreter_.adopt(running); }

    Result<> adopt(::interpreter* running, void* application) {
        if (auto adopted = interpreter_.adopt(running); !adopted) return adopted;
        (void)application_.release(); // in a fork of a process that serves, frames below us have it in hand
        application_ = Application::wrap(interpreter_, application);
        return {};
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
        if (!interpreter_.is_our_process()) interpreter_.leave(0);   // a fork came back: it is no server
        if (hook == Hook::post_fork) application_->remember_state(); // what it did to the process is meant to last
    }

    void settle() noexcept override {
        dTHXa(interpreter_.get());
        interpreter_.become_master();
        keep_strings_shared(aTHX);
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

namespace {

LibperlEngine& the_engine() {
    static LibperlEngine* const engine = new LibperlEngine; // never destroyed: nor is the interpreter
    return *engine;
}

} // namespace

Engine& linked_engine() { return the_engine(); }

Result<> adopt_interpreter(::interpreter* running) { return the_engine().adopt(running); }

Result<Engine*> adopted_engine(::interpreter* running, void* application) {
    LibperlEngine& engine = the_engine();
    if (auto adopted = engine.adopt(running, application); !adopted) return std::unexpected(adopted.error());
    return &engine;
}

} // namespace mpsup::perl
