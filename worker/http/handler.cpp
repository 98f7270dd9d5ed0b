#include "worker/http/handler.h"

namespace mpsup::http {

// A handler that never says `later`.
Task<> Handler::serve(Exchange&) { co_return; }

} // namespace mpsup::http
