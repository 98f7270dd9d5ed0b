// A folder with an application and files, for topologies that name them; removed at the end.
#pragma once

#include "supervisor/topology/load.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace mpsup::topology {

class SiteFolder : public testing::Test {
protected:
    SiteFolder() {
        std::string pattern = std::filesystem::temp_directory_path() / "mpsup-topology-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        std::filesystem::create_directories(folder_ / "htdocs/static");
        write("app.psgi", "sub { [200, [], []] }\n");
    }
    ~SiteFolder() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    SiteFolder(const SiteFolder&) = delete;
    SiteFolder& operator=(const SiteFolder&) = delete;

    std::string write(const std::string& name, const std::string& bytes) {
        const auto path = folder_ / name;
        std::ofstream(path, std::ios::binary) << bytes;
        std::filesystem::permissions(path, std::filesystem::perms(0644));
        return path;
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

    [[nodiscard]] std::expected<Topology, Problems> load(const std::string& yaml) const {
        auto loaded = load_text(yaml, "site.yaml", folder_);
        if (!loaded) return std::unexpected(std::move(loaded.error()));
        return std::move(loaded->topology);
    }
    /// "line:column message (suggestion)", a line each; "warning: " before it where it is one.
    [[nodiscard]] std::string problems(const std::string& yaml, const CertificateCheck& check = {}) const {
        const auto loaded = load_text(yaml, "site.yaml", folder_, check);
        if (loaded && loaded->warnings.empty()) return "no problem";
        std::string text;
        for (const auto& problem : loaded ? loaded->warnings : loaded.error()) {
            if (problem.is_warning) text += "warning: ";
            text += std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " + problem.message;
            if (!problem.suggestion.empty()) text += " (" + problem.suggestion + ")";
            text += "\n";
        }
        return text;
    }
    /// A whole topology around one worker's keys, of which the first is on line 4.
    [[nodiscard]] static std::string dynamic_worker(const std::string& keys) {
        return "site: s\nworkers:\n  w: {kind: dynamic, listen: 127.0.0.1:8081, app: app.psgi,\n" + keys + "}\n";
    }
    [[nodiscard]] static std::string static_worker(const std::string& keys) {
        return "site: s\nworkers:\n  w: {kind: static, listen: 127.0.0.1:8080, root: htdocs,\n" + keys + "}\n";
    }

    std::filesystem::path folder_;
};

} // namespace mpsup::topology
