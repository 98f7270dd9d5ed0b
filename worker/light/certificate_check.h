// What is wrong with a certificate and its key, in words for whoever has to put it right.
#pragma once

#include "worker/contract/certificate_check.h"
#include "worker/http/tls_keeper.h"

namespace mpsup::light {

/// As the server would read them now. An expired certificate is harmless, for it is served all the same.
[[nodiscard]] contract::PairVerdict check_pair(const http::CertificatePair& pair);

} // namespace mpsup::light
