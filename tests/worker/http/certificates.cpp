#include "tests/worker/http/certificates.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mpsup::http {

namespace {

bool is_ip(const std::string& host) { return host.find_first_not_of("0123456789.") == std::string::npos; }

template <typename Read> auto read_pem(const std::string& path, Read read) {
    FILE* file = std::fopen(path.c_str(), "r");
    auto* const made = read(file, nullptr, nullptr, nullptr);
    std::fclose(file);
    return made;
}

void add_extension(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    ::X509_add_ext(certificate, extension, -1);
    ::X509_EXTENSION_free(extension);
}

} // namespace

CertificateFolder::CertificateFolder() {
    std::string pattern = "/tmp/mpsup-tls-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
}

CertificateFolder::~CertificateFolder() { std::filesystem::remove_all(path_); }

CertificatePair CertificateFolder::make(const std::string& name, const std::vector<std::string>& hosts, int days,
                                        int from, const std::string& issuer) const {
    EVP_PKEY* key = ::EVP_EC_gen("P-256");
    X509* certificate = ::X509_new();
    ::X509_set_version(certificate, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), from * 86400L);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), days * 86400L);
    ::X509_set_pubkey(certificate, key);
    X509_NAME* subject = ::X509_get_subject_name(certificate);
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                                 -1, 0);
    X509* above = issuer.empty() ? nullptr : read_pem(path_ + "/" + issuer + ".crt", ::PEM_read_X509);
    EVP_PKEY* signer = issuer.empty() ? key : read_pem(path_ + "/" + issuer + ".key", ::PEM_read_PrivateKey);
    ::X509_set_issuer_name(certificate, above ? ::X509_get_subject_name(above) : subject);
    std::string list;
    for (const std::string& host : hosts)
        list += (list.empty() ? "" : ",") + std::string(is_ip(host) ? "IP:" : "DNS:") + host;
    if (!list.empty()) add_extension(certificate, NID_subject_alt_name, list.c_str());
    if (list.empty() && issuer.empty()) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    ::X509_sign(certificate, signer, ::EVP_sha256());
    ::X509_free(above);
    if (signer != key) ::EVP_PKEY_free(signer);
    const CertificatePair pair{path_ + "/" + name + ".crt", path_ + "/" + name + ".key"};
    FILE* file = std::fopen(pair.certificate.c_str(), "w");
    ::PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(pair.key.c_str(), "w");
    ::PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    ::X509_free(certificate);
    ::EVP_PKEY_free(key);
    return pair;
}

TlsVisit::TlsVisit(int socket, std::string_view bytes, const Options& options) {
    SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
    ::SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (options.version != 0) {
        ::SSL_CTX_set_min_proto_version(context, options.version);
        ::SSL_CTX_set_max_proto_version(context, options.version);
    }
    SSL* ssl = ::SSL_new(context);
    ::SSL_set_fd(ssl, socket);
    if (!options.name.empty())
        ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   const_cast<char*>(options.name.c_str()));
    if (!options.protocols.empty())
        ::SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(options.protocols.data()),
                              static_cast<unsigned>(options.protocols.size()));
    if (options.session) ::SSL_set_session(ssl, options.session);
    std::signal(SIGPIPE, SIG_IGN); // a server may have hung up already
    connected = ::SSL_connect(ssl) == 1;
    if (connected) {
        (void)::SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())); // then there is nothing to read either
        std::array<char, 65536> block;                                        // NOLINT: filled by SSL_read
        for (int count = 0; (count = ::SSL_read(ssl, block.data(), block.size())) > 0;)
            received.append(block.data(), static_cast<std::size_t>(count));
        ::SSL_shutdown(ssl); // or else the session counts as broken off
        resumed = ::SSL_session_reused(ssl) == 1;
        session = ::SSL_get1_session(ssl);
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        ::SSL_get0_alpn_selected(ssl, &chosen, &size);
        protocol.assign(reinterpret_cast<const char*>(chosen), size);
        std::array<char, 256> name{};
        ::X509_NAME_get_text_by_NID(::X509_get_subject_name(::SSL_get0_peer_certificate(ssl)), NID_commonName,
                                    name.data(), name.size());
        common_name = name.data();
    }
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
}

TlsVisit::~TlsVisit() { ::SSL_SESSION_free(session); }

} // namespace mpsup::http
