#include "supervisor/topology/local_files.h"

#include "supervisor/topology/share.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

class LocalFiles : public SiteFolder {};

TEST_F(LocalFiles, AreLookedForOnTheMachineThatNeedsThem) {
    const auto whole = load(R"(site: s
machines: {web1: {address: 10.9.0.1}, app1: {address: 10.9.0.2}}
workers:
  front:
    kind: accelerator
    on: web1
    listen: [{address: 443, tls: on}]
    tls: {cert: nowhere.pem, key: app.psgi}
    routes: [{path: /a/, root: nowhere, try: perl}, {path: /, to: perl}]
    hooks: {post_ready: {exec: [./app.psgi]}}
  perl:
    kind: dynamic
    on: app1
    app: nowhere.psgi
    gateway: {listen: 8090, tls: {cert: app.psgi, key: app.psgi, ca: htdocs}}
    env: {A: b, S: {file: app.psgi}}
    health: {liveness: {exec: [./nowhere]}}
)");
    ASSERT_TRUE(whole) << format_problems(whole.error());
    EXPECT_EQ(missing_files(share_of(*whole, "web1")),
              (std::vector<std::string>{"workers.front.hooks.post_ready: `" + path("app.psgi") + "` cannot be executed",
                                        "workers.front.tls: there is no `" + path("nowhere.pem") + "`",
                                        "workers.front.routes[0].root: there is no `" + path("nowhere") + "`"}));
    EXPECT_EQ(
        missing_files(share_of(*whole, "app1")),
        (std::vector<std::string>{"workers.perl.gateway.tls.ca: `" + path("htdocs") + "` is a folder",
                                  "workers.perl.app: there is no `" + path("nowhere.psgi") + "`",
                                  "workers.perl.env.S: `" + path("app.psgi") + "`: others may reach it",
                                  "workers.perl.health.liveness.exec: `" + path("nowhere") + "` cannot be executed"}));
    EXPECT_TRUE(missing_files(load(dynamic_worker("")).value()).empty());
}

} // namespace
} // namespace mpsup::topology
