#include "worker/light/certificate_check.h"

#include "tests/worker/http/certificates.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace mpsup::light {
namespace {

using contract::PairVerdict;

class CertificateCheck : public testing::Test {
protected:
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_.path() + "/" + name) << text;
        return folder_.path() + "/" + name;
    }
    http::CertificateFolder folder_;
    const http::CertificatePair good_ = folder_.make("good", {"example.org"});
};

TEST_F(CertificateCheck, FindsNothingInAGoodPair) { EXPECT_EQ(check_pair(good_), PairVerdict{}); }

TEST_F(CertificateCheck, NamesAFileThatIsNotThere) {
    const PairVerdict no_cert = check_pair({"/nowhere/c.pem", good_.key});
    EXPECT_EQ(no_cert.problem, "`/nowhere/c.pem`: No such file or directory");
    EXPECT_FALSE(no_cert.of_key);
    EXPECT_FALSE(no_cert.harmless);
    const PairVerdict no_key = check_pair({good_.certificate, "/nowhere/k.pem"});
    EXPECT_EQ(no_key.problem, "`/nowhere/k.pem`: No such file or directory");
    EXPECT_TRUE(no_key.of_key);
}

TEST_F(CertificateCheck, FindsGarbage) {
    const std::string garbage = write("garbage", "nothing of the kind\n");
    EXPECT_TRUE(
        check_pair({garbage, good_.key}).problem.ends_with("holds no certificate (-----BEGIN CERTIFICATE-----)"));
    const PairVerdict key = check_pair({good_.certificate, garbage});
    EXPECT_TRUE(key.problem.ends_with("holds no private key (-----BEGIN PRIVATE KEY-----)"));
    EXPECT_TRUE(key.of_key);
    const std::string cut = write("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    EXPECT_TRUE(check_pair({cut, good_.key}).problem.contains("cut` cannot be used: "));
    EXPECT_TRUE(check_pair({write("der", "\x30\x82"), good_.key}).remedy.contains("openssl x509 -inform der"));
}

TEST_F(CertificateCheck, FindsFilesThatWereExchanged) {
    EXPECT_TRUE(check_pair({good_.key, good_.certificate}).remedy.contains("exchanged?"));
    EXPECT_TRUE(check_pair({good_.certificate, good_.certificate}).remedy.contains("exchanged?"));
}

TEST_F(CertificateCheck, FindsAKeyOfAnotherCertificate) {
    const PairVerdict verdict = check_pair({good_.certificate, folder_.make("other", {}).key});
    EXPECT_TRUE(verdict.problem.contains("other.key` is not the private key of `")) << verdict.problem;
    EXPECT_TRUE(verdict.of_key);
    EXPECT_FALSE(verdict.harmless);
    EXPECT_FALSE(verdict.remedy.empty());
}

TEST_F(CertificateCheck, SaysThatNobodyIsAskedForAPassphrase) {
    const PairVerdict verdict = check_pair(
        {good_.certificate,
         write("secret", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n")});
    EXPECT_TRUE(verdict.problem.contains("has a passphrase")) << verdict.problem;
    EXPECT_TRUE(verdict.remedy.starts_with("openssl pkey -in ")) << verdict.remedy;
}

TEST_F(CertificateCheck, WarnsOfOneThatIsNotGoodNow) {
    const PairVerdict expired = check_pair(folder_.make("old", {}, -1));
    EXPECT_TRUE(expired.problem.contains("old.crt` has expired, on 20")) << expired.problem;
    EXPECT_TRUE(expired.harmless);
    const PairVerdict early = check_pair(folder_.make("young", {}, 30, 5));
    EXPECT_TRUE(early.problem.contains("young.crt` is not good before 20")) << early.problem;
    EXPECT_TRUE(early.harmless);
}

} // namespace
} // namespace mpsup::light
