// This machine's share of a site of several: what the cluster wants checked and done here, on the machine's own site.
#pragma once

#include "state/queries.h"
#include "supervisor/cluster/effect.h"
#include "supervisor/cluster/member.h"
#include "supervisor/daemon/background_file.h"
#include "supervisor/daemon/cluster_memory.h"
#include "supervisor/daemon/orders.h"

#include <boost/asio/awaitable.hpp>

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

/// One event loop; what it works with outlives it.
class OwnShare {
public:
    OwnShare(Site& site, Orders& orders, std::string machine);

    /// What the store was like when it was heard last.
    [[nodiscard]] const cluster::Memory& store() const { return memory_.store; }
    void remember(cluster::Memory store);
    /// After the takeover: is what was adopted what the cluster brought up last?
    void look_at_adopted();

    /// `busy`: with what no Do began.
    [[nodiscard]] cluster::LocalReport report() const;
    /// Asks who answers clients and other machines, where nothing is to be sent to this machine: for the next report. What a pool
    /// has by an accelerator or a gateway is counted there.
    [[nodiscard]] boost::asio::awaitable<void> count_in_flight();
    /// Of what runs here; nothing: it is not for several.
    [[nodiscard]] std::optional<cluster::TopologyFacts> facts() const;
    /// The whole site as it runs here, and the file it came from.
    [[nodiscard]] cluster::AcceptStoreOrder applied() const;

    /// Of names that an operator says one that no machine has, or none of these (none: all), and what there is; also where nothing
    /// is here that would know them. Empty: all are known.
    [[nodiscard]] std::string unknown_in(const std::vector<std::string>& workers,
                                         const std::vector<std::string>& machines) const;

    /// Reads the document, and looks at this machine (obstacles.h). Changes nothing.
    [[nodiscard]] cluster::Checked check(const cluster::Check& check) const;
    /// Waits while something of this machine's own runs.
    [[nodiscard]] boost::asio::awaitable<Outcome> carry_out(const cluster::Do& work, Report report);
    [[nodiscard]] bool is_working() const { return working_ > 0; }
    /// Has anything come up here since this supervisor was started, or was it found, or did nothing have to?
    [[nodiscard]] bool is_settled() const { return is_settled_; }
    /// What ran here last, as the history has it; when nothing runs. False: it failed, and may not the next time. True also when
    /// there is nothing to bring up. `is_again`: it failed before, so it is not recorded once more.
    [[nodiscard]] boost::asio::awaitable<bool> bring_up_last(bool is_again);

    /// To workers of these machines accelerators of this one send nothing new.
    void leave_out(std::vector<std::string> machines);

    /// What must be known after a restart is on the disk then; waits for it.
    void flush() { file_.flush(); }
    /// While the event loop still exists.
    void close() { file_.close(); }

private:
    using Task = boost::asio::awaitable<Outcome>;
    /// Of what the store has under that version. An error says why it cannot be trusted, or read.
    [[nodiscard]] std::expected<topology::Topology, std::string> share_in(const cluster::Version& version,
                                                                          const std::string& document) const;
    [[nodiscard]] Task perform(std::string name, Task what, const std::vector<std::string>& workers);
    [[nodiscard]] Task outcome_of(const cluster::Do& work, Report report);
    [[nodiscard]] std::vector<std::string> own(const std::vector<std::string>& workers) const;
    [[nodiscard]] Task bring(const cluster::Do& work, Report report);
    [[nodiscard]] Task bring_nothing(Report report);
    [[nodiscard]] Task wake(std::vector<std::string> workers, Report report);
    /// Before a first topology, of this digest. Is there something new to know?
    bool note_before(const std::string& digest);
    [[nodiscard]] Result<std::optional<state::TopologyRow>> last_topology() const;
    void runs(cluster::Version version);
    void write_down();
    [[nodiscard]] boost::asio::awaitable<void> wait_until_written();
    void apply_left_out();

    Site& site_;
    Orders& orders_;
    std::string machine_;
    ClusterMemory memory_;
    const ClusterMemory last_; // of the supervisor before, as this one found it
    std::vector<std::string> left_out_;
    [[nodiscard]] bool is_left_out() const;
    std::optional<cluster::InFlight> in_flight_; // nothing: not counted since nothing is to be sent here
    int working_ = 0;
    bool is_settled_ = false;
    BackgroundFile file_;
};

} // namespace mpsup
