// The heap of a pool master, made fit for being shared with many forks.
#pragma once

#include <cstddef>

namespace mpsup::dynamic {

/// Finishes what malloc puts off. Loading an application leaves many thousand free pieces, which glibc merges and sorts
/// at the first larger allocation after, touching each: in a child that copies every page they lie in (53 MB of an
/// 88 MB application, measured). Here it happens once, before forking.
void settle_heap() noexcept;

/// Collapses private memory into huge pages where it can be had (MADV_COLLAPSE, madvise(2), Linux 6.1). fork(2) and the
/// end of a child then handle an entry for 2 MiB instead of 512; what a child writes to is split and copied by 4 KiB as
/// ever. Memory that comes later is not affected. Returns how many bytes were collapsed; where the kernel cannot, none,
/// and nothing is lost.
std::size_t collapse_heap() noexcept;

} // namespace mpsup::dynamic
