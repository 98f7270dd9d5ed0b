// Certificates of a test's own, made by openssl(1).
#pragma once

#include "supervisor/transport/tls.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace mpsup::tls {

class Certificates {
public:
    explicit Certificates(const std::string& name)
        : folder_("/tmp/mpsup-certificates-" + std::to_string(::getpid()) + "-" + name) {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        make_authority("ca");
    }
    ~Certificates() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    [[nodiscard]] std::string path(const std::string& file) const { return folder_ + "/" + file; }
    void make_authority(const std::string& name) const {
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + name +
            " -keyout " + path(name + ".key") + " -out " + path(name + ".pem"));
    }
    /// `names`: "DNS:etcd.example,IP:127.0.0.1". Signed by the authority of that name.
    Files make(const std::string& name, const std::string& names, const std::string& authority = "ca") const {
        std::ofstream(path(name + ".ext")) << "subjectAltName=" << names << "\n";
        run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " +
            path(name + ".key") + " -out " + path(name + ".csr"));
        run("openssl x509 -req -days 2 -in " + path(name + ".csr") + " -CA " + path(authority + ".pem") + " -CAkey " +
            path(authority + ".key") + " -CAcreateserial -extfile " + path(name + ".ext") + " -out " +
            path(name + ".pem"));
        return {path("ca.pem"), path(name + ".pem"), path(name + ".key")};
    }

private:
    void run(const std::string& command) const {
        if (std::system((command + " 2>>" + path("log")).c_str()) != 0) std::abort(); // NOLINT
    }
    std::string folder_;
};

} // namespace mpsup::tls
