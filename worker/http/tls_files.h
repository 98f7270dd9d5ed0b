// Files of TLS that are read anew when they change on the disk.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <span>
#include <string>

namespace mpsup::http {

/// Belongs to one thread, but for what is said of those that inherit.
class TlsFiles {
public:
    TlsFiles() = default;
    virtual ~TlsFiles() = default;
    TlsFiles(const TlsFiles&) = delete;
    TlsFiles& operator=(const TlsFiles&) = delete;

    /// Readable when something happened in the folders of the files. -1: the system refused to watch them.
    [[nodiscard]] int watch_fd() const noexcept { return watch_.get(); }
    /// Takes the news from watch_fd(); true when one of the files may be meant.
    [[nodiscard]] bool changed();
    /// Reads all files anew. What is missing, half-written, mismatched or expired stays as it was; the error, of several the
    /// first, says which and why. Connections keep what they began with.
    [[nodiscard]] virtual Result<> reload() = 0;

protected:
    /// Empty paths are passed over.
    void watch_folders_of(std::span<const std::string> files);

private:
    Fd watch_;
};

} // namespace mpsup::http
