#include "supervisor/topology/certificates.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

class Certificates : public SiteFolder {
protected:
    Certificates() {
        write("a.pem", "");
        write("b.pem", "");
    }
    /// `tls` is on line 4.
    [[nodiscard]] static std::string site(const std::string& tls) {
        return "site: s\nworkers:\n  w: {kind: static, root: htdocs, listen: {address: 127.0.0.1:1, tls: on},\ntls: " +
               tls + "}\n";
    }
};

TEST_F(Certificates, AreLookedAtInOneGoAndPlacedInTheFile) {
    std::vector<contract::Certificate> seen;
    int calls = 0;
    const CertificateCheck check = [&](Binaries build, std::span<const contract::Certificate> pairs) {
        EXPECT_EQ(build, Binaries::two);
        ++calls;
        seen.assign(pairs.begin(), pairs.end());
        return std::vector<contract::PairVerdict>{
            {}, {"another's", "make one", true, false}, {"old", "renew it", false, true}};
    };
    EXPECT_EQ(
        problems(site("[{cert: a.pem, key: b.pem},\n{cert: b.pem, key: a.pem},\n{key: b.pem, cert: a.pem}]"), check),
        "5:20 another's (make one)\nwarning: 6:20 old (renew it)\n");
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(seen,
              (std::vector<contract::Certificate>{
                  {path("a.pem"), path("b.pem")}, {path("b.pem"), path("a.pem")}, {path("a.pem"), path("b.pem")}}));
}

TEST_F(Certificates, ThatAreDoubtfulRefuseNothing) {
    const CertificateCheck old = [](Binaries, std::span<const contract::Certificate>) {
        return std::vector<contract::PairVerdict>{{"old", "", false, true}};
    };
    const auto loaded = load_text(site("{cert: a.pem, key: b.pem}"), "site.yaml", folder_, old);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->warnings.size(), 1U);
    EXPECT_EQ(loaded->topology.site, "s");
    EXPECT_TRUE(format_problems(loaded->warnings).starts_with("site.yaml:4:13: warning: old\n"));
}

TEST_F(Certificates, ThatAreNotThereAreNamedWithoutAnyCheck) {
    EXPECT_EQ(problems(site("{cert: c.pem, key: htdocs}")),
              "4:13 there is no `" + path("c.pem") + "`\n4:25 `" + path("htdocs") + "` is a folder\n");
}

TEST_F(Certificates, AreNobodysBusinessWithoutTls) {
    const CertificateCheck never = [](Binaries, std::span<const contract::Certificate>) {
        ADD_FAILURE() << "asked";
        return std::vector<contract::PairVerdict>{};
    };
    EXPECT_EQ(problems(static_worker("threads: 2"), never), "no problem");
}

} // namespace
} // namespace mpsup::topology
