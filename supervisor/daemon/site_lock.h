// One supervisor a site.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace mpsup {

/// Held as long as the descriptor is open: the lock belongs to the open file, and the kernel frees it when the process ends,
/// however that comes about. Waits two seconds at most for one that is just ending. An error says who has it.
[[nodiscard]] Result<Fd> take_site_lock(const std::string& path);

/// Who has it, as far as the file says: nothing when nobody has, 0 when it is not known who, or when that process is no more.
[[nodiscard]] std::optional<pid_t> site_lock_holder(const std::string& path);

} // namespace mpsup
