// How many machines a change may have out of service.
#pragma once

namespace mpsup::cluster {

/// Machines of a site, as they are at a moment. Pure.
struct Budget {
    int allowed = 1; // out of service at a time
    int absent = 0;
    int unwell = 0;  // that live, and that no change has in hand
    int granted = 0; // in the hands of a change

    /// May one more be granted? One always may, or nothing would ever change again. One that is out of service already takes
    /// nothing more away from the site.
    [[nodiscard]] bool has_room(bool is_out_already) const {
        if (granted == 0) return true;
        const int out = absent + unwell + granted + (is_out_already ? 0 : 1);
        return out <= allowed || (is_out_already && granted < allowed);
    }
};

} // namespace mpsup::cluster
