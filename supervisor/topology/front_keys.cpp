// The keys of a front as a whole: they stand in a worker.
#include "supervisor/topology/member_keys.h"
#include "worker/contract/cidr.h"

namespace mpsup::topology {

namespace {

using contract::Front;
using contract::GuardLimits;

constexpr std::int64_t most_count = 1'000'000'000;

constexpr std::array log_choices{Choice{"combined"}, Choice{"json"}};
constexpr std::array tls_choices{Choice{"1.2"}, Choice{"1.3"}};

template <auto... Members> constexpr Key of_front(Key key) {
    key.get = [](const WorkerSpec& spec) {
        const auto& value = inside<Members...>(spec.front->rest);
        static const Front usual{};
        return value == inside<Members...>(usual) ? std::nullopt : OptionalValue(to_value(value));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        from_value(std::move(value), inside<Members...>(spec.front.edit().rest));
    };
    return key;
}

constexpr Key certificates_key() {
    Key key =
        plain("tls", Type::certificates, "certificates and their keys; the first is for clients that name no host");
    key.get = [](const WorkerSpec& spec) {
        Pairs pairs;
        for (const auto& [cert, file] : spec.front->rest.certificates) pairs.emplace_back(cert, file);
        return pairs.empty() ? std::nullopt : OptionalValue(std::move(pairs));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        for (auto& [cert, file] : std::get<Pairs>(value)) spec.front.edit().rest.certificates.push_back({cert, file});
    };
    return key;
}

constexpr Key proxies_key() {
    Key key = plain("trusted_proxies", Type::blocks, "who may say by X-Forwarded-For on whose behalf it asks");
    key.get = [](const WorkerSpec& spec) {
        std::vector<std::string> texts;
        for (const contract::Cidr& block : spec.front->rest.trusted_proxies) texts.push_back(block.text());
        return texts.empty() ? std::nullopt : OptionalValue(std::move(texts));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        for (const auto& text : std::get<std::vector<std::string>>(value))
            if (auto block = contract::Cidr::parse(text)) spec.front.edit().rest.trusted_proxies.push_back(*block);
    };
    return key;
}

// A choice of two words, the second of which sets a flag.
template <auto Member, const auto& Words> constexpr Key flagged(Key key) {
    key.type = Type::choice;
    key.choices = Words;
    key.get = [](const WorkerSpec& spec) {
        return spec.front->rest.*Member ? OptionalValue(std::string(Words[1].word)) : std::nullopt;
    };
    key.set = [](WorkerSpec& spec, Value value) {
        spec.front.edit().rest.*Member = std::get<std::string>(value) == Words[1].word;
    };
    return key;
}

} // namespace

std::vector<Key> make_front_keys() {
    std::vector<Key> keys{
        of_front<&Front::threads>(count("threads", "each an event loop; one for a core", 1, 64)),
        certificates_key(),
        flagged<&Front::tls13_only, tls_choices>(plain("tls_minimum", Type::choice, "the lowest version of TLS")),
        proxies_key(),
        part("limits", "what clients may ask for"),
        of_front<&Front::limits, &GuardLimits::connections>(
            count("limits.connections", "open at a time; 0: as many as descriptors", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::per_address>(
            count("limits.per_address", "open at a time of one address; 0: any number", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::rate>(
            count("limits.rate", "requests a second of one address; 0: any number", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::burst>(
            count("limits.burst", "requests at once beyond `rate`; 0: as many as `rate`", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::body>(sized("limits.body", "bytes of a request's content: 413")),
        part("quarantine", "URLs that kill whoever serves them"),
        of_front<&Front::quarantine_deaths>(
            count("quarantine.deaths", "so many children in a row; 0: never", 0, 1'000)),
        of_front<&Front::quarantine_for>(time("quarantine.for", "it is answered 503 for so long", second, 24 * hour)),
        flagged<&Front::log_json, log_choices>(plain("log", Type::choice, "the form of the access log")),
    };
    for (Key& key : keys) key.kinds = Kinds::light;
    Key disk = of_front<&Front::cache_disk>(sized("cache.disk", "bytes on the disk for what memory has no room for"));
    disk.kinds = Kinds::accelerator;
    keys.push_back(disk);
    return keys;
}

} // namespace mpsup::topology
