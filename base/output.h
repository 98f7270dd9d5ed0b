// Where a process writes what it has to say: the file behind its descriptors 1 and 2, which may be moved away under it.
#pragma once

#include "base/fd.h"

namespace mpsup {

/// Notes the file that descriptors 1 and 2 lead to: early, for what is loaded later may lead them elsewhere. Inherited by
/// fork(2). One thread.
void remember_output() noexcept;

/// Leads every descriptor of this process that writes to that file, copies of 1 and 2 included, to `file`, one step each: no
/// line is lost. What leads elsewhere stays. Without remember_output() it does nothing.
void move_output(const Fd& file) noexcept;

} // namespace mpsup
