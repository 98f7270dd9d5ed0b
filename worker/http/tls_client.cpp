#include "worker/http/tls_client.h"

#include "worker/http/error_log.h"
#include "worker/http/tls_context.h"

#include <array>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mpsup::http {

Result<std::shared_ptr<TlsClient>> TlsClient::open(TlsClientOptions options) {
    std::shared_ptr<TlsClient> client(new TlsClient(std::move(options)));
    const std::array files{client->options_.authority, client->options_.pair.certificate, client->options_.pair.key};
    client->watch_folders_of(files); // first, so that no change is missed
    if (auto loaded = client->reload(); !loaded) return std::unexpected(loaded.error());
    return client;
}

Result<TlsClient::Context> TlsClient::load() const {
    Context context(::SSL_CTX_new(::TLS_client_method()), OpensslDeleter());
    if (!context || !set_up_tls(context.get(), false)) return tls_failure("set up TLS");
    if (auto trusted = trust_authority(context.get(), options_.authority); !trusted)
        return std::unexpected(trusted.error());
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (options_.pair.certificate.empty()) return context;
    if (auto used = use_pair(context.get(), options_.pair); !used) return std::unexpected(used.error());
    return context;
}

Result<> TlsClient::reload() {
    auto context = load();
    if (!context) return std::unexpected(context.error());
    if (has_expired(context->get())) {
        Error expired{"the certificate " + options_.pair.certificate + " has expired", {}};
        if (context_) return std::unexpected(std::move(expired));
        log_error(Severity::warning, expired.to_string());
    }
    const std::scoped_lock lock(mutex_);
    context_ = std::move(*context);
    return {};
}

TlsConnection TlsClient::connect(const std::string& ip) const {
    const Context context = [this] {
        const std::scoped_lock lock(mutex_);
        return context_;
    }();
    TlsConnection connection(::SSL_new(context.get())); // which keeps the context
    if (!connection) return {};
    const std::string& name = options_.name;
    const bool is_named =
        name.empty() ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(connection.get()), ip.c_str()) == 1
                     : ::SSL_set1_host(connection.get(), name.c_str()) == 1 &&
                           ::SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                      const_cast<char*>(name.c_str())) == 1; // which copies it
    if (!is_named) return {};
    ::SSL_set_connect_state(connection.get());
    return connection;
}

} // namespace mpsup::http
