// An engine without Perl: says what it was asked, answers what it was told to.
#pragma once

#include "worker/perl/engine.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace mpsup::dynamic {

class FakeEngine final : public perl::Engine {
public:
    std::string describe() const override { return "none"; }
    Result<> start(int&, char**&, char**&) override { return {}; }
    Result<> load(const perl::ApplicationPlan&) override { return {}; }
    std::vector<std::string> loaded_files() override { return {}; }
    perl::CallOutcome call(const perl::RequestInput& input, perl::Reply& reply) override {
        return on_call(input, reply);
    }
    bool finish_request() override {
        ++finished;
        return false;
    }
    void run_hook(perl::Hook) override {}
    void settle() noexcept override {}
    void flush() noexcept override {}
    void became_child() noexcept override {}
    bool is_our_process() const noexcept override { return true; }
    void dispatch_signals() noexcept override {}
    bool was_told_to_end() const noexcept override { return false; }
    std::size_t copy_stack(std::span<char> text) const noexcept override {
        ++copied;
        return stack.copy(text.data(), text.size());
    }
    void interrupt() noexcept override { ++interrupted; }

    std::function<perl::CallOutcome(const perl::RequestInput&, perl::Reply&)> on_call;
    std::string stack = "a.psgi:3 main::slow\n";
    int finished = 0;
    mutable std::atomic<int> copied = 0; // in a signal handler, as the next one
    std::atomic<int> interrupted = 0;
};

} // namespace mpsup::dynamic
