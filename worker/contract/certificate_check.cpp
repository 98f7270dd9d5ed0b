#include "worker/contract/certificate_check.h"

#include "worker/contract/described_json.h"

namespace json = boost::json;

namespace mpsup::contract {

namespace {

struct Verdicts {
    std::vector<PairVerdict> verdicts{};
};

} // namespace

template <typename Each> void describe(Each& each, Type<PairVerdict>) {
    each("problem", &PairVerdict::problem);
    each("remedy", &PairVerdict::remedy);
    each("of_key", &PairVerdict::of_key);
    each("harmless", &PairVerdict::harmless);
}

template <typename Each> void describe(Each& each, Type<Verdicts>) { each("verdicts", &Verdicts::verdicts); }

std::string encode_verdicts(const std::vector<PairVerdict>& verdicts) {
    return json::serialize(to_json(Verdicts{verdicts}));
}

Result<std::vector<PairVerdict>> decode_verdicts(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return failure("verdicts are not JSON: " + error.message());
    auto read = from_json<Verdicts>("verdicts", value);
    if (!read) return std::unexpected(read.error());
    return std::move(read->verdicts);
}

} // namespace mpsup::contract
