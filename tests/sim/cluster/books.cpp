#include "tests/sim/cluster/books.h"

namespace mpsup::sim {

std::string Books::enter(Document document) {
    const std::string digest = "d" + std::to_string(documents_.size() + 1);
    documents_[digest] = std::move(document);
    return digest;
}

} // namespace mpsup::sim
