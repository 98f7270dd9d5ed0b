// What the control API tells whoever only reads: of this machine, or of all of them.
#pragma once

#include "supervisor/control/api_target.h"
#include "supervisor/control/cluster_machine.h"
#include "supervisor/control/peer_client.h"
#include "supervisor/control/server.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/process/commands.h"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mpsup {

/// Words, each with `machines=all` or a list of names, joined by commas; without it, and in a site without a cluster always,
/// it is this machine alone:
/// - /v1/status: the document of `status -o json`; of several machines as machines_status.h says.
/// - /v1/events (`worker`) and /v1/logs (`workers`, `grep`, `access=1`), both `since_ms`, `lines`, `follow=1`: lines of
///   `-o jsonl`. Empty lines, and such with a `type`, are as machines_lines.h says; {"type":"live"} follows what was there.
/// - /v1/answers (`workers`: none for all accelerators; `question`: light_control.h, of those that change nothing): asking.h; of
///   several machines as machines_answers.h says.
/// - /v1/machines: those of the cluster, none without one. /v1/version: of this supervisor. /v1/topologies: what was applied
///   to the cluster. None of these is for other machines.
/// 400: a value is not what it should be, or a machine is unknown: {"error":"…"}. 404: there is no such word.
/// A supervisor that asks another never does so with `machines`.
class ReadApi {
public:
    struct Sources {
        const SitePaths& paths;
        Commands& commands;
        std::function<std::string()> status;  // of this machine
        std::function<std::string()> version; // likewise
        std::function<boost::asio::awaitable<std::string>(std::vector<std::string> workers, std::string question)>
            ask{};                                             // light workers of this machine, as asking.h
        std::function<std::vector<ClusterMachine>()> machines; // this one among them; none: there is no cluster
        const PeerTrust* trust = nullptr;                      // of who asks the others; null: there is no cluster
        std::function<std::string()>
            topologies; // /v1/topologies (cli/topologies_view.h); nothing: there is no such word
        std::string reader =
            "/proc/self/exe"; // the program that reads events and logs: our own, also where another file lies
                              // at its path since
    };
    explicit ReadApi(Sources sources) : sources_(std::move(sources)) {}

    /// For our own user. One event loop.
    [[nodiscard]] boost::asio::awaitable<void> serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer);
    /// For supervisors of other machines: this machine alone.
    [[nodiscard]] boost::asio::awaitable<void> serve_peer(ControlRequest request,
                                                          std::shared_ptr<ControlAnswer> answer);

private:
    using Machines = std::vector<ClusterMachine>;
    [[nodiscard]] boost::asio::awaitable<void> tell(ApiTarget target, Machines chosen,
                                                    std::shared_ptr<ControlAnswer> answer);
    [[nodiscard]] boost::asio::awaitable<void> tell_status(ApiTarget target, Machines chosen,
                                                           std::shared_ptr<ControlAnswer> answer);
    [[nodiscard]] boost::asio::awaitable<void> tell_answers(ApiTarget target, Machines chosen,
                                                            std::shared_ptr<ControlAnswer> answer);
    [[nodiscard]] boost::asio::awaitable<void> tell_lines(ApiTarget target, Machines chosen,
                                                          std::shared_ptr<ControlAnswer> answer);
    [[nodiscard]] Machines machines() const { return sources_.machines ? sources_.machines() : Machines(); }
    [[nodiscard]] boost::asio::awaitable<std::vector<PeerReply>> ask_others(const ApiTarget& target,
                                                                            const Machines& chosen) const;
    [[nodiscard]] PeerManner manner() const;

    Sources sources_;
};

} // namespace mpsup
