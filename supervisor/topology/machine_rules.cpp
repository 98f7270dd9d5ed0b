#include "supervisor/topology/machine_rules.h"

#include "base/joined.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value.h"
#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace mpsup::topology {

namespace {

class MachineRules {
public:
    MachineRules(Topology& topology, const Node& root, const std::vector<PlacedListener>& listeners)
        : topology_(topology), root_(root), listeners_(listeners), several_(is_for_several(topology)) {}

    Findings run() {
        addresses();
        for (WorkerSpec& worker : topology_.workers) {
            if (worker.name == moved_worker) continue; // of the machine whose document has it
            placement(worker);
            if (worker.gateway) gateway(worker, *worker.gateway);
        }
        vip();
        if (several_)
            for (const PlacedListener& listener : listeners_) judge(listener);
        for (WorkerSpec& worker : topology_.workers) {
            const auto machines = machines_of(topology_, worker);
            if (machines.size() == 1) settle_ports(worker, *machines.front());
            if (!several_) worker.on.clear();
        }
        return std::move(findings_);
    }

private:
    [[nodiscard]] const Node* node_of(const WorkerSpec& worker) const {
        return entry(entry(&root_, "workers"), worker.name);
    }
    [[nodiscard]] Mark named(const WorkerSpec& worker) const {
        const Node* const workers = entry(&root_, "workers");
        const auto found = std::ranges::find(workers->entries, worker.name, &Node::Entry::key);
        return found == workers->entries.end() ? Mark{} : found->key_mark;
    }
    // Of one item of a list, or of the value.
    [[nodiscard]] static Mark mark_in(const Node* map, std::string_view key, std::size_t item) {
        const Node* const value = entry(map, key);
        if (value && value->type == Node::Type::sequence && item < value->items.size()) return value->items[item]->mark;
        return mark_of(map, key);
    }
    void add(Mark mark, std::string where, std::string message, std::string suggestion = {}, bool is_warning = false) {
        findings_.push_back({mark, std::move(where), std::move(message), std::move(suggestion), is_warning});
    }
    [[nodiscard]] std::vector<std::string_view> names() const {
        std::vector<std::string_view> all;
        if (const Node* const machines = entry(&root_, "machines"))
            for (const auto& each : machines->entries) all.push_back(each.key);
        else
            all.push_back(topology_.machines.front().name);
        return all;
    }

    [[nodiscard]] std::string all_machines() const {
        std::vector<std::string> all;
        for (const Machine& machine : topology_.machines) all.push_back(machine.name);
        return joined(all, ", ");
    }

    void addresses() {
        const Node* const section = entry(&root_, "machines");
        for (std::size_t i = 0; i < topology_.machines.size(); ++i) {
            const Machine& machine = topology_.machines[i];
            const auto earlier = std::ranges::find(topology_.machines, machine.ip, &Machine::ip);
            if (machine.ip.empty() || &*earlier == &machine) continue;
            const Mark first = mark_of(entry(section, earlier->name), "address");
            add(mark_of(entry(section, machine.name), "address"), "machines." + machine.name,
                machine.ip + " is the address of " + in_ticks(earlier->name) +
                    (first.line > 0 ? " (line " + std::to_string(first.line) + ")" : "") + " already");
        }
    }

    void known(const std::vector<std::string>& machines, const Node* map, const std::string& where) {
        std::set<std::string> seen;
        for (std::size_t i = 0; i < machines.size(); ++i) {
            const auto all = names();
            if (std::ranges::find(all, machines[i]) == all.end())
                add(mark_in(map, "on", i), where, "there is no machine " + in_ticks(machines[i]),
                    did_you_mean(machines[i], all));
            else if (!seen.insert(machines[i]).second)
                add(mark_in(map, "on", i), where, in_ticks(machines[i]) + " stands twice in `on`");
        }
    }

    void placement(const WorkerSpec& worker) {
        const std::string where = "workers." + worker.name + ".on";
        const Node* const written = entry(node_of(worker), "on");
        if (several_ && !written)
            add(named(worker), where, in_ticks(worker.name) + " has no `on` (the machine that it runs on, or a list)",
                "one of " + all_machines());
        else if (written && written->type == Node::Type::sequence && written->items.empty())
            add(written->mark, where, "`on` is empty");
        known(worker.on, node_of(worker), where);
    }

    void gateway(const WorkerSpec& worker, const Gateway& gateway) {
        const Node* const written = entry(node_of(worker), "gateway");
        const std::string where = "workers." + worker.name + ".gateway";
        const GatewayTls& tls = gateway.tls;
        const Mark mark = written ? written->mark : Mark{};
        if (gateway.listen.port == 0 && !entry(written, "listen"))
            add(mark, where, "`gateway` has no `listen` (a port, or ADDRESS:PORT)");
        for (const auto& [name, text] : {std::pair("cert", &tls.cert), {"key", &tls.key}, {"ca", &tls.ca}})
            if (const Node* const section = entry(written, "tls"); section && text->empty() && !entry(section, name))
                add(section->mark, where + ".tls", "`tls` of a gateway has no " + in_ticks(name),
                    "both sides show a certificate: {cert: FILE, key: FILE, ca: FILE}");
        if (!worker.listen.empty())
            add(mark, where,
                "`gateway` is for a dynamic worker without `listen`: " + in_ticks(worker.name) + " has one");
        if (!several_) add(mark, where, "`gateway` is for several machines, and there is one");
        const std::string name = gateway_name(worker.name);
        if (!is_name(name))
            add(named(worker), where,
                in_ticks(worker.name) + " is too long a name for a worker with a `gateway`: that one is called " +
                    in_ticks(name) + ", and names have at most 32 characters");
        if (topology_.find(name))
            add(named(*topology_.find(name)), "workers." + name,
                in_ticks(name) + " is how the gateway of " + in_ticks(worker.name) + " is called");
    }

    void vip() {
        Vip& vip = topology_.vip;
        const Node* const written = entry(&root_, "vip");
        if (!written) return;
        const Mark mark = written->type == Node::Type::map ? mark_of(written, "address") : written->mark;
        if (written->type == Node::Type::map && !entry(written, "address"))
            add(written->mark, "vip", "`vip` has no `address`");
        if (!several_) return add(mark, "vip", "`vip` is for several machines, and there is one");
        known(vip.on, written, "vip.on");
        if (vip.ip.empty()) return;
        const auto owner = std::ranges::find(topology_.machines, vip.ip, &Machine::ip);
        if (owner != topology_.machines.end())
            return add(mark, "vip", vip.ip + " is the address of " + in_ticks(owner->name) + " itself");
        if (!vip.on.empty()) return;
        for (const WorkerSpec& worker : topology_.workers)
            if (std::ranges::find(worker.listen, vip.ip, &Address::ip) != worker.listen.end())
                for (const std::string& name : worker.on)
                    if (std::ranges::find(vip.on, name) == vip.on.end()) vip.on.push_back(name);
        if (vip.on.empty())
            add(mark, "vip", "`vip` has no `on`, and no worker listens on " + vip.ip, "on: [" + all_machines() + "]");
    }

    // Of several machines: is it on this worker's, or on all of its?
    void judge(const PlacedListener& listener) {
        const WorkerSpec* const worker = topology_.find(listener.worker);
        const Address& address = listener.address;
        if (!worker || worker->name == moved_worker || address.ip.empty() || address.is_any()) return;
        const std::string key = listener.is_gateway ? "gateway" : "listen";
        const std::string where = "workers." + worker->name + "." + key;
        const std::string port = key + ": " + std::to_string(address.port);
        const auto complain = [&](const std::string& message, const std::string& remedy) {
            add(listener.mark, where, message, remedy);
        };
        const auto owner = std::ranges::find(topology_.machines, address.ip, &Machine::ip);
        const bool is_own = owner != topology_.machines.end() && runs_on(topology_, *worker, owner->name);
        if (listener.is_gateway && ((is_loopback(address) && !is_own) || address.ip == topology_.vip.ip))
            return complain("accelerators of other machines do not reach " + in_ticks(worker->name) + " at " +
                                address.ip,
                            "did you mean `" + port + "`?");
        if (is_loopback(address) && !listener.is_gateway) return;
        if (address.ip == topology_.vip.ip) return on_vip(*worker, complain);
        const auto machines = machines_of(topology_, *worker);
        const bool is_vip_unknown = topology_.vip.ip.empty() && entry(&root_, "vip");
        if (machines.empty() || is_vip_unknown || (is_own && machines.size() == 1)) return; // said already, or right
        const std::string whose = joined(worker->on, " and ");
        if (is_own)
            complain(address.ip + " is the address of " + in_ticks(owner->name) + " alone, and " +
                         in_ticks(worker->name) + " is on " + whose,
                     "`" + port + "` is that port of each");
        else if (owner != topology_.machines.end())
            complain(address.ip + " is the address of " + in_ticks(owner->name) + ", and " + in_ticks(worker->name) +
                         " is on " + whose,
                     "did you mean `" + port + "`?");
        else
            complain(address.ip + " is no address of " + whose + " that the file knows",
                     "`" + port + "`, or all addresses: `0.0.0.0:" + std::to_string(address.port) + "`");
    }

    template <typename Complain> void on_vip(const WorkerSpec& worker, Complain complain) {
        for (const std::string& name : worker.on)
            if (find_machine(topology_, name) && std::ranges::find(topology_.vip.on, name) == topology_.vip.on.end())
                complain(in_ticks(worker.name) + " listens on the `vip` and is on " + in_ticks(name) +
                             ", which is not in its `on`",
                         "vip: {address: " + topology_.vip.text() + ", on: […]}");
    }

    Topology& topology_;
    const Node& root_;
    const std::vector<PlacedListener>& listeners_;
    const bool several_;
    Findings findings_;
};

} // namespace

Findings settle_machines(Topology& topology, const Node& root, const std::vector<PlacedListener>& listeners) {
    return MachineRules(topology, root, listeners).run();
}

Findings check_overlaps_by_machine(const Topology& topology, const std::vector<PlacedListener>& listeners) {
    Findings findings;
    std::set<std::pair<Mark, std::string>> said;                      // the same two on another machine
    std::map<std::string_view, std::vector<const Machine*>> machines; // of each worker
    for (const WorkerSpec& worker : topology.workers)
        if (!is_for_several(topology) || worker.name != moved_worker)
            machines.emplace(worker.name, machines_of(topology, worker));
    std::map<const Machine*, std::vector<PlacedListener>> there;
    for (const PlacedListener& listener : listeners)
        for (const Machine* const machine : machines[listener.worker]) {
            PlacedListener& one = there[machine].emplace_back(listener);
            if (one.address.ip.empty()) one.address.ip = machine->ip;
        }
    for (auto& [machine, placed] : there)
        for (Finding& finding : check_overlaps(std::move(placed)))
            if (said.emplace(finding.mark, finding.key).second) findings.push_back(std::move(finding));
    return findings;
}

Findings check_told(const Topology& topology, const Node& root) {
    Findings findings;
    if (!is_for_several(topology)) return findings;
    std::map<std::string, Topology> shares; // as many as there are machines that come first in an `on`
    for (const WorkerSpec& worker : topology.workers) {
        if (worker.kind == Kind::dynamic || worker.name == moved_worker) continue;
        const std::string& machine = worker.on.front();
        const auto [share, fresh] = shares.try_emplace(machine);
        if (fresh) share->second = share_of(topology, machine);
        const auto bytes = contract::encode_front(front_of(*share->second.find(worker.name), {})).size();
        if (bytes > contract::max_front_bytes)
            findings.push_back({mark_of(entry(entry(&root, "workers"), worker.name), "routes"),
                                "workers." + worker.name + ".routes",
                                "its routes lead to so many machines that " + in_ticks(worker.name) + " cannot be told",
                                "fewer routes to pools, or a part of the machines for each accelerator"});
    }
    return findings;
}

} // namespace mpsup::topology
