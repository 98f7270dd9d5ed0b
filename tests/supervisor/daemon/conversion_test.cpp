#include "supervisor/daemon/conversion.h"

#include "supervisor/topology/front.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mpsup {
namespace {

using topology::Kind;
using topology::Topology;
using topology::WorkerSpec;

WorkerSpec docs(const std::string& listen) {
    WorkerSpec spec{.name = "docs", .kind = Kind::static_files, .root = "/srv", .serves = {"/static/"}};
    spec.listen = {*Address::parse(listen)};
    return spec;
}

WorkerSpec perl(const std::string& listen, bool has_files = false) {
    WorkerSpec spec{.name = "perl", .kind = Kind::dynamic, .app = "/srv/app.psgi"};
    if (!listen.empty()) spec.listen = {*Address::parse(listen)};
    if (has_files) spec.root = "/srv", spec.serves = {"/static/"};
    return spec;
}

WorkerSpec front(const std::string& listen, const std::vector<std::string>& targets) {
    WorkerSpec spec{.name = "front", .kind = Kind::accelerator};
    spec.listen = {*Address::parse(listen)};
    for (const std::string& target : targets) spec.front.edit().routes.push_back({.to = {target}});
    return spec;
}

Topology site(std::vector<WorkerSpec> workers) {
    Topology topology{.site = "s", .workers = std::move(workers)};
    topology::name_pool_sockets(topology);
    return topology;
}

const std::string first = "127.0.0.1:8080", second = "127.0.0.1:8081";

std::map<std::string, Topology> layouts() {
    return {
        {"one-big", site({perl(first, true)})},
        {"two-ports", site({docs(first), perl(second)})},
        {"two-ips", site({docs(first), perl("127.0.0.2:8080")})},
        {"wild", site({docs(second), perl("0.0.0.0:8080")})},
        {"accelerated-one-big", site({front(first, {"perl"}), perl("", true)})},
        {"accelerated-two-ports", site({front(first, {second, "perl"}), docs(second), perl("")})},
        {"accelerated-two-ips", site({front(first, {"127.0.0.2:8080", "perl"}), docs("127.0.0.2:8080"), perl("")})}};
}

// All that are in both topologies get a new generation, as when `binaries` changes.
Conversion conversion(const Topology& before, const Topology& after) {
    Conversion conversion{before, after, {}, {}};
    for (const WorkerSpec& worker : before.workers) conversion.leaving.insert(worker.name);
    for (const WorkerSpec& worker : after.workers) conversion.coming.insert(worker.name);
    return conversion;
}

std::string text(const std::vector<ConversionStep>& steps) {
    std::string all;
    const auto is_awaited = [&](const ConversionStep& gone) {
        return std::ranges::any_of(steps, [&](const ConversionStep& step) {
            return std::ranges::find(step.awaits, gone.worker, &ConversionStep::Await::worker) != step.awaits.end();
        });
    };
    for (const ConversionStep& step : steps) {
        const bool is_in = step.kind == ConversionStep::Kind::let_in;
        all += (is_in ? "+" : "-") + step.worker + (!is_in && is_awaited(step) ? ". " : " ");
    }
    return all;
}

std::string steps(const std::string& before, const std::string& after) {
    const auto all = layouts();
    return text(steps_of(conversion(all.at(before), all.at(after))));
}

TEST(Conversions, LetInEarlyOnlyWhoNeedsNobody) {
    const auto all = layouts();
    const auto early = [&](const char* before, const char* after) {
        return free_to_come(conversion(all.at(before), all.at(after)));
    };
    EXPECT_EQ(early("one-big", "two-ports"), (std::set<std::string>{"docs", "perl"}));
    EXPECT_EQ(early("one-big", "accelerated-two-ports"), (std::set<std::string>{"docs", "perl"}))
        << "the accelerator comes after those that it leads to, whoever depends on it";
}

TEST(Conversions, WaitForSlowClientsNoLongerThanNeeded) {
    const auto all = layouts();
    const auto awaited = [&](const char* before, const char* after, const char* who, ConversionStep::Kind kind) {
        for (const ConversionStep& step : steps_of(conversion(all.at(before), all.at(after))))
            if (step.worker == who && step.kind == kind) return step.awaits;
        return std::vector<ConversionStep::Await>();
    };
    using Awaits = std::vector<ConversionStep::Await>;
    EXPECT_EQ(awaited("two-ports", "accelerated-two-ports", "front", ConversionStep::Kind::let_in),
              (Awaits{{"perl", time_to_hear}}));
    EXPECT_EQ(awaited("accelerated-two-ports", "two-ports", "perl", ConversionStep::Kind::let_in),
              (Awaits{{"front", time_to_finish}}));
}

TEST(Conversions, LetInBeforeTheyLetGo) {
    EXPECT_EQ(steps("two-ports", "two-ips"), "+docs +perl -docs -perl ");
    EXPECT_EQ(steps("one-big", "two-ports"), "+docs +perl -perl ");
    EXPECT_EQ(steps("two-ports", "one-big"), "+perl -perl -docs ");
}

TEST(Conversions, LetInThePoolBeforeItsAccelerator) {
    EXPECT_EQ(steps("one-big", "accelerated-one-big"), "+perl +front -perl ");
}

TEST(Conversions, KeepThePoolUntilItsAcceleratorIsGone) {
    EXPECT_EQ(steps("accelerated-one-big", "one-big"), "+perl -front. -perl ");
}

TEST(Conversions, LetNobodyInWhereAnAcceleratorStillAsksAnother) {
    EXPECT_EQ(steps("accelerated-two-ports", "two-ports"), "+docs -front. +perl -docs -perl ");
}

TEST(Conversions, LetNoAcceleratorInWhereAnotherStillAnswers) {
    EXPECT_EQ(steps("two-ports", "accelerated-two-ports"), "+docs +perl -perl. +front -docs ");
}

TEST(Conversions, OfAPoolThatAnswersOtherPathsAreOfTwoSockets) {
    const auto all = layouts();
    const auto socket = [&](const char* name) { return topology::pool_socket_of(*all.at(name).find("perl")); };
    EXPECT_EQ(socket("accelerated-two-ports"), "perl.sock");
    EXPECT_NE(socket("accelerated-one-big"), "perl.sock");
    EXPECT_TRUE(topology::is_pool_socket_of(socket("accelerated-one-big"), "perl"));
    EXPECT_FALSE(topology::is_pool_socket_of(socket("accelerated-one-big"), "per"));
    EXPECT_FALSE(topology::is_pool_socket_of("perl.0123456.sock", "perl"));
    EXPECT_EQ(steps("accelerated-two-ports", "accelerated-one-big"), "+perl +front -front. -perl -docs ");
    EXPECT_EQ(steps("accelerated-one-big", "accelerated-two-ports"), "+docs +perl +front -front. -perl ");
}

// What must hold for every two layouts, whatever the order.
TEST(Conversions, KeepEveryAddressServedAndEveryAcceleratorRight) {
    const auto all = layouts();
    for (const auto& [from, before] : all)
        for (const auto& [to, after] : all) {
            const auto order = steps_of(conversion(before, after));
            EXPECT_EQ(order.size(), before.workers.size() + after.workers.size());
            const auto place = [&](ConversionStep::Kind kind, const std::string& worker) {
                return std::ranges::find_if(
                           order,
                           [&](const ConversionStep& step) { return step.kind == kind && step.worker == worker; }) -
                       order.begin();
            };
            using enum ConversionStep::Kind;
            const auto meet = [](const WorkerSpec& old, const WorkerSpec& heir) {
                return std::ranges::any_of(old.listen, [&](const Address& address) {
                    return std::ranges::any_of(heir.listen,
                                               [&](const Address& other) { return address.overlaps(other); });
                });
            };
            for (const WorkerSpec& old : before.workers)
                for (const WorkerSpec& heir : after.workers) {
                    if (!meet(old, heir)) continue;
                    EXPECT_LT(place(let_in, heir.name), place(let_go, old.name))
                        << from << " to " << to << ": " << text(order);
                }
            if (before.find("front") && !after.find("front")) {
                EXPECT_LT(place(let_go, "front"), place(let_go, "perl")) << from << " to " << to;
            }
        }
}

TEST(Conversions, ThatSwapAddressesBehindAcceleratorsComeToAnEnd) {
    WorkerSpec other = docs(second);
    other.name = "other";
    other.serves = {"/other/"};
    const Topology before = site({front(first, {second, "127.0.0.1:8082"}), docs("127.0.0.1:8082"), other});
    other.listen = {{"127.0.0.1", 8082}};
    const Topology after = site({front(first, {second, "127.0.0.1:8082"}), docs(second), other});
    EXPECT_EQ(steps_of(conversion(before, after)).size(), 6U);
}

// Two workers that redirect to each other, and what the static one has of their paths before and after.
struct Linked {
    std::vector<std::string> before, after;
};

Conversion linked(Topology& before, Topology& after) {
    for (Topology* each : {&before, &after}) each->links = contract::Links::Mode::redirect;
    return conversion(before, after);
}

std::string linked_steps(const Linked& serves) {
    WorkerSpec old_docs = docs(first), new_docs = docs(first);
    old_docs.serves = serves.before;
    new_docs.serves = serves.after;
    Topology before = site({perl(second), old_docs}), after = site({perl(second), new_docs});
    const Conversion both = linked(before, after);
    const auto free = free_to_roll(both);
    std::string all = text(steps_of(both));
    for (const std::string& name : free) all += name + " is free ";
    return all;
}

TEST(Conversions, LetInWhoGainsAPathBeforeWhoLosesIt) {
    EXPECT_EQ(linked_steps({{"/static/"}, {"/static/", "/files/"}}), "+docs -docs. +perl -perl ");
    EXPECT_EQ(linked_steps({{"/static/", "/files/"}, {"/static/"}}), "+perl -perl. +docs -docs ");
    EXPECT_EQ(linked_steps({{"/static/"}, {"/static/", "/static/files/"}}),
              "+perl +docs -perl -docs docs is free perl is free ")
        << "it was its before";
    EXPECT_EQ(linked_steps({{"/a/"}, {"/b/"}}).find("free"), std::string::npos) << "each gains one";
}

TEST(Conversions, LetNobodyLeadToWhoIsNotThereYet) {
    Topology before = site({perl(second)}), after = site({perl(second), docs(first)});
    const Conversion added = linked(before, after);
    EXPECT_EQ(text(steps_of(added)), "+docs +perl -perl ");
    EXPECT_FALSE(free_to_roll(added).contains("perl")) << "a trial comes before docs is let in";
}

TEST(Conversions, CloseTheAddressOfAPathWhenNobodyIsSentThere) {
    WorkerSpec moved{.name = "moved", .root = "/", .serves = {"/.mpsup/moved/"}};
    moved.listen = {*Address::parse(first)};
    Topology before = site({perl(second), docs(first)}), after = site({perl(second, true), moved});
    EXPECT_EQ(text(steps_of(linked(before, after))), "+perl -perl. +moved -docs ");
}

TEST(Conversions, LetInBesideThoseOfWhomNothingIsKnown) {
    const Topology nothing{.site = "s"};
    const Topology after = layouts().at("two-ports");
    const Conversion conversion{nothing, after, {"docs", "perl"}, {"perl"}};
    EXPECT_EQ(text(steps_of(conversion)), "+docs +perl -perl ");
    EXPECT_TRUE(free_to_roll(conversion).empty());
}

TEST(Conversions, LeaveItsTimeToWhomNobodyWaitsFor) {
    const auto all = layouts();
    const auto free = [&](const char* from, const char* to) {
        return free_to_roll(conversion(all.at(from), all.at(to))).contains("perl");
    };
    EXPECT_TRUE(free("two-ports", "two-ports"));
    EXPECT_TRUE(free("accelerated-two-ports", "accelerated-two-ips"));
    EXPECT_FALSE(free("two-ports", "accelerated-two-ports"));
    EXPECT_FALSE(free("accelerated-one-big", "accelerated-two-ports")) << "its socket is another one";
    EXPECT_FALSE(free("two-ports", "two-ips")) << "an address of it goes";
}

} // namespace
} // namespace mpsup
