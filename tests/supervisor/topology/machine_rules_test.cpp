#include "supervisor/topology/machine_rules.h"

#include "supervisor/topology/placement.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

class MachineRules : public SiteFolder {
protected:
    /// Two machines on lines 3 and 4; `rest` begins on line 5.
    [[nodiscard]] static std::string on_two(const std::string& workers, const std::string& more = {}) {
        return "site: s\nmachines:\n  web1: {address: 10.9.0.1}\n  app1: {address: 10.9.0.2}\n" + more + "workers:\n" +
               workers;
    }
    static constexpr auto docs = "  docs: {kind: static, on: web1, root: htdocs, listen: 8080}\n";
    static constexpr auto perl = "  perl: {kind: dynamic, on: app1, app: app.psgi, listen: 10.9.0.2:8081}\n";
};

TEST_F(MachineRules, LetWorkersRunOnDifferentOnes) {
    const auto loaded = load(on_two(std::string(docs) + perl, "cluster: {unavailable: 25%}\n"));
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_TRUE(is_for_several(*loaded));
    EXPECT_EQ(loaded->machines, (std::vector<Machine>{{"web1", "10.9.0.1"}, {"app1", "10.9.0.2"}}));
    EXPECT_EQ(loaded->workers[0].on, (std::vector<std::string>{"web1"}));
    EXPECT_EQ(loaded->workers[0].listen, (std::vector<Address>{{"10.9.0.1", 8080}})) << "a port alone";
    EXPECT_EQ(loaded->cluster.unavailable, (Share{25, true}));
    EXPECT_EQ(from_document(to_document(*loaded)).value(), *loaded);
}

TEST_F(MachineRules, KeepAPortForEachOfSeveral) {
    const auto loaded = load(on_two("  docs: {kind: static, on: [web1, app1], root: htdocs, listen: [8080, {address: "
                                    "8443, tls: on}, '[::]:9'], tls: {cert: app.psgi, key: app.psgi}}\n"));
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->workers[0].listen, (std::vector<Address>{{"", 8080}, {"", 8443}, {"::", 9}}));
    const auto document = to_document(*loaded);
    EXPECT_NE(document.find(R"("on":["web1","app1"],"listen":["8080",{"address":"8443","tls":"on")"), std::string::npos)
        << document;
    EXPECT_EQ(from_document(document).value(), *loaded);
}

TEST_F(MachineRules, LeaveATopologyOfOneMachineAsItIs) {
    const auto loaded = load("site: s\nmachines: {here: {address: 10.9.0.1}}\nworkers:\n  docs: {kind: static, on: "
                             "here, root: htdocs, listen: [8080, 192.0.2.1:8080]}\n");
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_FALSE(is_for_several(*loaded));
    EXPECT_TRUE(loaded->workers[0].on.empty()) << "it is clear where";
    EXPECT_EQ(loaded->workers[0].listen, (std::vector<Address>{{"10.9.0.1", 8080}, {"192.0.2.1", 8080}}));
    EXPECT_EQ(to_document(*loaded).find("\"on\""), std::string::npos);
    EXPECT_EQ(load(static_worker("")).value().workers[0].listen[0].to_string(), "127.0.0.1:8080");
    EXPECT_EQ(load("site: s\nworkers: {w: {kind: static, root: ., listen: 1}}\n").value().workers[0].listen[0].ip,
              "127.0.0.1");
}

TEST_F(MachineRules, RefuseTwoMachinesWithOneAddress) {
    EXPECT_EQ(problems("site: s\nmachines:\n  a: {address: 10.9.0.1}\n  b: {address: 10.9.0.1}\nworkers:\n  w: {kind: "
                       "static, on: a, root: htdocs, listen: 1}\n"),
              "4:16 10.9.0.1 is the address of `a` (line 3) already\n");
    EXPECT_EQ(problems("site: s\nmachines:\n  a: {address: '::1'}\n  b: {address: '0::1'}\nworkers:\n  w: {kind: "
                       "static, on: a, root: htdocs, listen: 1}\n"),
              "4:16 ::1 is the address of `a` (line 3) already\n");
    EXPECT_EQ(problems("site: s\nmachines:\n  a: {address: 10.9.0.1}\n  a: {address: 10.9.0.2}\nworkers:\n  w: {kind: "
                       "static, on: a, root: htdocs, listen: 1}\n"),
              "4:3 duplicate key `a`, first at line 3\n");
}

TEST_F(MachineRules, WantToKnowWhereEachWorkerRuns) {
    EXPECT_EQ(problems(on_two("  docs: {kind: static, root: htdocs, listen: 8080}\n")),
              "6:3 `docs` has no `on` (the machine that it runs on, or a list) (one of web1, app1)\n");
    EXPECT_EQ(problems(on_two("  docs: {kind: static, on: wep1, root: htdocs, listen: 8080}\n")),
              "6:28 there is no machine `wep1` (did you mean `web1`?)\n");
    EXPECT_EQ(problems(on_two("  docs: {kind: static, on: [web1, app1, web1], root: htdocs, listen: 8080}\n")),
              "6:41 `web1` stands twice in `on`\n");
    EXPECT_EQ(problems(on_two("  docs: {kind: static, on: [], root: htdocs, listen: 8080}\n")), "6:28 `on` is empty\n");
    EXPECT_EQ(problems(on_two("  docs: {kind: static, on: {a: b}, root: htdocs, listen: 8080}\n")),
              "6:28 `on` must be a name, or a list of such\n");
    EXPECT_EQ(problems("site: s\nworkers: {w: {kind: static, on: web1, root: htdocs, listen: 1}}\n"),
              "2:33 there is no machine `web1`\n");
}

TEST_F(MachineRules, RefuseListenersOnAddressesOfOthers) {
    const auto listening = [&](const std::string& on, const std::string& listen) {
        return problems(on_two("  docs: {kind: static, on: " + on + ", root: htdocs,\nlisten: " + listen + "}\n"));
    };
    EXPECT_EQ(listening("web1", "10.9.0.2:80"),
              "7:9 10.9.0.2 is the address of `app1`, and `docs` is on web1 (did you mean `listen: 80`?)\n");
    EXPECT_EQ(listening("[web1, app1]", "[10.9.0.2:80]"),
              "7:10 10.9.0.2 is the address of `app1` alone, and `docs` is on web1 and app1 (`listen: 80` is that port "
              "of each)\n");
    EXPECT_EQ(listening("web1", "10.9.0.7:80"), "7:9 10.9.0.7 is no address of web1 that the file knows (`listen: 80`, "
                                                "or all addresses: `0.0.0.0:80`)\n");
    for (const char* good : {"10.9.0.1:80", "0.0.0.0:80", "'[::]:80'", "127.0.0.3:80", "80", "'80'"})
        EXPECT_EQ(listening("web1", good), "no problem") << good;
    EXPECT_EQ(listening("web1", "0"),
              "7:9 `listen` must be ADDRESS:PORT (like 127.0.0.1:8080 or [::1]:8080), a port, or a "
              "list of such; found `0` (ports go from 1 to 65535)\n");
}

TEST_F(MachineRules, JudgeOverlapsForEachMachineAlone) {
    const std::string there = "  more: {kind: static, on: app1, root: htdocs, listen: 8080}\n";
    EXPECT_EQ(problems(on_two(docs + there)), "no problem");
    EXPECT_EQ(
        problems(on_two(std::string(docs) + "  more: {kind: static, on: [app1, web1], root: htdocs, listen: 8080}\n")),
        "7:64 10.9.0.1:8080 is taken by `docs` (10.9.0.1:8080, line 6)\n");
    EXPECT_EQ(problems(on_two(std::string("  docs: {kind: static, on: [web1, app1], root: htdocs, listen: 8080}\n") +
                              "  more: {kind: static, on: [app1, web1], root: htdocs, listen: 0.0.0.0:8080}\n")),
              "7:64 0.0.0.0:8080 is taken by `docs` (10.9.0.1:8080, line 6)\n")
        << "once, though it is so on both";
}

class Gateways : public MachineRules {
protected:
    [[nodiscard]] static std::string accelerated(const std::string& pool, const std::string& more = {}) {
        return on_two(
            "  front: {kind: accelerator, on: web1, listen: 80, routes: [{path: /, to: perl}]}\n  perl: {kind: "
            "dynamic, on: app1, app: app.psgi,\n" +
                pool + "}\n",
            more);
    }
};

TEST_F(Gateways, AreWrittenInThreeWays) {
    const auto gateway = [&](const std::string& text) {
        const auto loaded = load(accelerated("gateway: " + text));
        EXPECT_TRUE(loaded) << format_problems(loaded.error());
        EXPECT_EQ(from_document(to_document(*loaded)).value(), *loaded);
        return loaded->find("perl")->gateway.value();
    };
    EXPECT_EQ(gateway("8090"), (Gateway{{"10.9.0.2", 8090}, {}}));
    EXPECT_EQ(gateway("10.9.0.2:8090"), (Gateway{{"10.9.0.2", 8090}, {}}));
    EXPECT_EQ(gateway("0.0.0.0:8090"), (Gateway{{"0.0.0.0", 8090}, {}}));
    EXPECT_EQ(gateway("{listen: 8090, tls: {cert: app.psgi, key: /etc/passwd, ca: app.psgi}}"),
              (Gateway{{"10.9.0.2", 8090}, {path("app.psgi"), "/etc/passwd", path("app.psgi")}}));
}

TEST_F(Gateways, AreNeededWhereRoutesCrossMachines) {
    EXPECT_EQ(problems(accelerated("")),
              "6:75 `front` is on `web1`, and `perl` on app1 has no `gateway` where other machines "
              "reach it (`perl`: {gateway: PORT})\n");
    const auto both = [](const std::string& front, const std::string& pool) {
        return on_two(
            "  front: {kind: accelerator, on: " + front +
            ", listen: 80, routes: [{path: /, to: perl}]}\n  perl: {kind: dynamic, app: app.psgi, on: " + pool + "}\n");
    };
    EXPECT_EQ(problems(both("[web1, app1]", "[web1, app1]")), "no problem") << "each machine asks its own";
    EXPECT_EQ(problems(both("[web1, app1]", "app1")),
              "6:83 `front` is on `web1`, and `perl` on app1 has no `gateway` where "
              "other machines reach it (`perl`: {gateway: PORT})\n");
    EXPECT_EQ(problems(both("web1", "[web1, app1]")),
              "7:3 `perl` is on `app1`, where no route leads to it, and has no "
              "`gateway` where other machines reach it (`perl`: {gateway: PORT})\n");
    EXPECT_EQ(
        problems(both("web1", "web1, gateway: 8090")),
        "warning: 7:59 no route of another machine leads to `perl`: its `gateway` is for nobody (take it away)\n");
    EXPECT_TRUE(load(both("web1", "app1, listen: 8090"))) << "by its listener";
    EXPECT_EQ(
        problems(both("web1", "app1, listen: 127.0.0.1:8090")),
        "6:75 `perl` listens on loopback addresses alone: `front` on another machine does not reach it (take `listen` "
        "away and give it a `gateway`)\n");
}

TEST_F(Gateways, AreAtTheMachinesOwnAddressEvenIfThatIsOfLoopback) {
    const auto on_loopback = [](const std::string& pool) {
        return "site: s\nmachines:\n  web1: {address: 127.0.0.2}\n  app1: {address: 127.0.0.3}\nworkers:\n"
               "  front: {kind: accelerator, on: web1, listen: 80, routes: [{path: /, to: perl}]}\n"
               "  perl: {kind: dynamic, on: app1, app: app.psgi, " +
               pool + "}\n";
    };
    for (const char* pool : {"gateway: 9090", "listen: 9090"}) {
        const auto loaded = load(on_loopback(pool));
        ASSERT_TRUE(loaded) << pool << format_problems(loaded.error());
        const auto again = from_document(to_document(*loaded));
        ASSERT_TRUE(again) << pool << again.error().to_string();
        EXPECT_EQ(*again, *loaded);
        EXPECT_EQ(remote_address(*again->find("perl"), again->machines[1]), (Address{"127.0.0.3", 9090})) << pool;
    }
    EXPECT_EQ(problems(on_loopback("gateway: 127.0.0.2:9090")),
              "7:59 accelerators of other machines do not reach `perl` at 127.0.0.2 (did you mean `gateway: 9090`?)\n");
    EXPECT_EQ(problems(on_loopback("gateway: 127.0.0.3:9090")), "no problem");
    std::string on_both = on_loopback("gateway: 127.0.0.3:9090");
    on_both.replace(on_both.find("on: app1"), 8, "on: [web1, app1]");
    EXPECT_TRUE(problems(on_both).contains("127.0.0.3 is the address of `app1` alone, and `perl` is on web1 and app1"))
        << problems(on_both);
}

TEST_F(Gateways, MustBeReachedAndComplete) {
    EXPECT_EQ(problems(accelerated("gateway: 127.0.0.1:8090")),
              "8:10 accelerators of other machines do not reach `perl` at 127.0.0.1 (did you mean `gateway: 8090`?)\n");
    EXPECT_EQ(problems(accelerated("gateway: 10.9.0.1:8090")),
              "8:10 10.9.0.1 is the address of `web1`, and `perl` is on app1 (did you mean `gateway: 8090`?)\n");
    EXPECT_EQ(
        problems(accelerated("gateway: {listen: 8090, tls: {cert: app.psgi, key: app.psgi}}")),
        "8:30 `tls` of a gateway has no `ca` (both sides show a certificate: {cert: FILE, key: FILE, ca: FILE})\n");
    EXPECT_EQ(problems(accelerated("gateway: {tls: {cert: app.psgi, key: app.psgi, ca: app.psgi}}")),
              "8:10 `gateway` has no `listen` (a port, or ADDRESS:PORT)\n");
    EXPECT_EQ(problems(accelerated("gateway: here")), "8:10 `gateway` must be a port, or ADDRESS:PORT (like "
                                                      "10.0.0.2:8090); found `here`\n");
    EXPECT_EQ(problems(accelerated("gateway: 8090, listen: 8091")),
              "8:10 `gateway` is for a dynamic worker without `listen`: `perl` has one\n");
    EXPECT_EQ(problems(accelerated("gateway: 8090") +
                       "  more: {kind: static, on: app1, root: htdocs, listen: 10.9.0.2:8090}\n"),
              "9:56 10.9.0.2:8090 is taken by `perl` (10.9.0.2:8090, line 8)\n");
    EXPECT_EQ(
        problems("site: s\nworkers:\n  front: {kind: accelerator, listen: 80, routes: [{to: perl}]}\n  perl: {kind: "
                 "dynamic, app: app.psgi, gateway: 8090}\n"),
        "4:49 `gateway` is for several machines, and there is one\n");
}

TEST_F(Gateways, OfTooManyMachinesCannotBeTold) {
    const auto fleet = [](int pools, const std::string& routes) {
        std::string machines;
        std::string on;
        for (int i = 0; i < pools; ++i) {
            const std::string name = "n" + std::to_string(i);
            machines += "  " + name + ": {address: 10.9." + std::to_string(1 + i / 250) + "." +
                        std::to_string(1 + i % 250) + "}\n";
            on += (on.empty() ? "" : ", ") + name;
        }
        return on_two("  front: {kind: accelerator, on: web1, listen: 80, routes: [" + routes +
                          "]}\n  perl:\n    kind: dynamic\n    app: app.psgi\n    gateway: 8090\n    on: [" + on +
                          "]\n",
                      machines);
    };
    EXPECT_EQ(problems(fleet(600, "{to: perl}")), "no problem");
    EXPECT_EQ(
        problems(fleet(600, "{path: /a/, to: perl}, {path: /b/, to: perl}, {path: /c/, to: perl}, {to: perl}")),
        "606:60 its routes lead to so many machines that `front` cannot be told (fewer routes to pools, or a part of "
        "the machines for each accelerator)\n");
}

TEST_F(Gateways, HaveNamesOfTheirOwn) {
    const std::string name(25, 'p');
    EXPECT_EQ(problems(on_two("  front: {kind: accelerator, on: web1, listen: 80, routes: [{path: /, to: " + name +
                              "}]}\n  " + name + ": {kind: dynamic, on: app1, app: app.psgi, gateway: 8090}\n")),
              "7:3 `" + name + "` is too long a name for a worker with a `gateway`: that one is called `" + name +
                  "-gateway`, and names have at most 32 characters\n");
    EXPECT_EQ(
        problems(accelerated("gateway: 8090") + "  perl-gateway: {kind: static, on: web1, root: htdocs, listen: 1}\n"),
        "9:3 `perl-gateway` is how the gateway of `perl` is called\n");
}

class Vips : public MachineRules {
protected:
    [[nodiscard]] static std::string with(const std::string& vip, const std::string& on = "[web1, app1]",
                                          const std::string& listen = "10.9.0.100:80") {
        return on_two("  docs: {kind: static, on: " + on + ", root: htdocs, listen: " + listen + "}\n",
                      "vip: " + vip + "\n");
    }
};

TEST_F(Vips, BelongToThoseThatListenOnThem) {
    const auto vip = [&](const std::string& text, const std::string& on) {
        const auto loaded = load(with(text, on));
        EXPECT_TRUE(loaded) << format_problems(loaded.error());
        if (!loaded) return Vip{};
        EXPECT_EQ(from_document(to_document(*loaded)).value(), *loaded);
        EXPECT_EQ(loaded->workers[0].listen, (std::vector<Address>{{"10.9.0.100", 80}}));
        return loaded->vip;
    };
    EXPECT_EQ(vip("10.9.0.100/24", "[app1, web1]"), (Vip{"10.9.0.100", 24, {"app1", "web1"}}));
    EXPECT_EQ(vip("{address: 10.9.0.100/24, on: [web1, app1]}", "[app1]"), (Vip{"10.9.0.100", 24, {"web1", "app1"}}));
}

TEST_F(Vips, AreRefusedWhereTheyCouldNotMove) {
    EXPECT_EQ(problems(with("10.9.0.100")), "5:6 `vip` must be an IP address with the length of its network, like "
                                            "10.0.0.100/24; found `10.9.0.100` (did you mean `10.9.0.100/24`?)\n");
    EXPECT_EQ(problems(with("{address: 10.9.0.100/33}", "web1", "80")),
              "5:16 `address` must be an IP address with the length of its network, like 10.0.0.100/24; found "
              "`10.9.0.100/33`\n");
    EXPECT_EQ(problems(with("{on: web1}", "web1", "80")), "5:6 `vip` has no `address`\n");
    EXPECT_EQ(problems(with("10.9.0.2/24", "web1", "80")), "5:6 10.9.0.2 is the address of `app1` itself\n");
    EXPECT_EQ(problems(with("10.9.0.100/24", "web1", "80")),
              "5:6 `vip` has no `on`, and no worker listens on 10.9.0.100 (on: [web1, app1])\n");
    EXPECT_EQ(problems(with("{address: 10.9.0.100/24, on: [wep1]}", "web1", "80")),
              "5:36 there is no machine `wep1` (did you mean `web1`?)\n");
    EXPECT_EQ(problems(with("{address: 10.9.0.100/24, on: app1}", "web1")),
              "7:56 `docs` listens on the `vip` and is on `web1`, which is not in its `on` (vip: {address: "
              "10.9.0.100/24, on: "
              "[…]})\n");
    EXPECT_EQ(problems("vip: 10.9.0.100/24\n" + static_worker("")),
              "1:6 `vip` is for several machines, and there is one\n");
}

TEST_F(MachineRules, SayHowManyMachinesMayBeOut) {
    const auto allowed = [&](const std::string& unavailable, int machines) {
        return load("cluster: {" + unavailable + "}\n" + static_worker("")).value().cluster.allowed(machines);
    };
    EXPECT_EQ(allowed("", 1000), 1);
    EXPECT_EQ(allowed("unavailable: 3", 1000), 3);
    EXPECT_EQ(allowed("unavailable: 5%", 1000), 50);
    EXPECT_EQ(allowed("unavailable: 25%", 7), 1) << "rounded down";
    EXPECT_EQ(allowed("unavailable: 25%", 2), 1) << "but never none";
    EXPECT_EQ(
        problems("cluster: {unavailable: 0}\n" + static_worker("")),
        "1:24 `unavailable` must be a number of machines, from 1 to 1000, or a percentage of them, up to 100%; found "
        "`0`\n");
}

} // namespace
} // namespace mpsup::topology
