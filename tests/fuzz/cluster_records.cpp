// What somebody may have written to the keys that machines share: read as each kind of record, and written again.
#include "supervisor/cluster/memory.h"
#include "supervisor/cluster/records.h"

#include <cstdint>
#include <cstdlib>

namespace cluster = mpsup::cluster;

namespace {

// What is read is written so that it is read as the same.
template <typename Record> void check(std::string_view text) {
    const auto record = cluster::decode<Record>(text);
    if (!record) return;
    const auto again = cluster::decode<Record>(cluster::encode(*record));
    if (!again || !(*again == *record)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check<cluster::MachineRecord>(text);
    check<cluster::FenceRecord>(text);
    check<cluster::TopologyRecord>(text);
    check<cluster::WantedRecord>(text);
    check<cluster::ChangeRecord>(text);
    check<cluster::OutcomeRecord>(text);
    check<cluster::PastRecord>(text);
    check<cluster::OrdersRecord>(text);
    check<cluster::ConvergingRecord>(text);
    check<cluster::VipRecord>(text);
    check<cluster::StoreRecord>(text);
    if (const auto memory = cluster::decode_memory(text);
        memory && cluster::decode_memory(cluster::encode(*memory)) != *memory)
        std::abort();
    return 0;
}
