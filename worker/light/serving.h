// What a light worker answers with: handlers, and what they share.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/contract/light_control.h"
#include "worker/contract/messages.h"
#include "worker/contract/page_fate.h"
#include "worker/http/handler.h"
#include "worker/http/tls_files.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mpsup::light {

/// One handler for each thread. Used from the main thread, but for the handlers, which belong to their loops.
class Serving {
public:
    virtual ~Serving() = default;

    /// Of a static worker its folder, of an accelerator its routes and its cache. `go` and `cache` outlive it; a cache that
    /// cannot be used is left out, and the log says why.
    [[nodiscard]] static Result<std::unique_ptr<Serving>> make(const contract::Go& go, const Fd& cache);

    [[nodiscard]] virtual std::span<http::Handler* const> handlers() const noexcept = 0;
    /// Whom an operator's questions go to; null: there is nothing to be asked.
    [[nodiscard]] virtual contract::LightControl* control() noexcept { return nullptr; }

    /// To backends at these addresses nothing new is sent (contract::Backends).
    virtual void set_out(std::span<const std::string>) {}
    /// What is read anew when it changes on the disk.
    [[nodiscard]] virtual std::vector<std::shared_ptr<http::TlsFiles>> tls_files() const { return {}; }

    /// Whom to tell of requests that are quarantined, from any thread; before the handlers run.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it keeps it
    virtual void on_quarantine(std::function<void(const std::string& request)>) {}

    /// Whom to tell what became of pages whose links are rewritten, from any thread; before the handlers run.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): as above
    virtual void on_page(std::function<void(contract::PageFate)>) {}

    /// What it serves without, and why; empty: nothing. `tell` is called by any thread when that changes, and at once if there is
    /// something; null: nobody is told any more.
    [[nodiscard]] virtual std::string impaired() const { return {}; }
    // NOLINTNEXTLINE(performance-unnecessary-value-param): as above
    virtual void on_impaired(std::function<void()>) {}

    /// What has to be done every now and then while the worker serves.
    virtual void keep_up() {}
    /// When next; 0: never again.
    [[nodiscard]] virtual std::chrono::milliseconds keep_up_in() const noexcept { return {}; }
    /// The worker drains: what another one is to take over is let go of.
    virtual void hand_over() {}
};

} // namespace mpsup::light
