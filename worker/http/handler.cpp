#include "worker/http/handler.h"

namespace mpsup::http {

// A handler that never says `later`.
Task<> Handler::serve(Exchange&) { co_return; }

std::shared_ptr<const std::string> Handler::refusal_page(int, const Request*) { return nullptr; }

} // namespace mpsup::http
