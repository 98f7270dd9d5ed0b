// A folder for a database, removed at the end, and short words for what tests write.
#pragma once

#include "state/fingerprint.h"
#include "state/queries.h"
#include "state/rows.h"

#include <SQLiteCpp/Database.h>

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace mpsup::state {

class DatabaseFolder : public testing::Test {
protected:
    DatabaseFolder() {
        std::string pattern = std::filesystem::temp_directory_path() / "mpsup-state-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ / "state.db";
    }
    ~DatabaseFolder() override {
        std::error_code ignored;
        std::filesystem::permissions(folder_, std::filesystem::perms(0700), ignored);
        std::filesystem::remove_all(folder_, ignored);
    }
    DatabaseFolder(const DatabaseFolder&) = delete;
    DatabaseFolder& operator=(const DatabaseFolder&) = delete;

    [[nodiscard]] static ProcessRow process(const std::string& uuid, std::uint64_t generation = 1) {
        return {
            .uuid = uuid, .worker = "perl", .generation = generation, .role = ProcessRole::master, .at = {1000, 10}};
    }
    [[nodiscard]] static EventRow event(const std::string& reason, const std::string& worker = "perl") {
        return {.kind = EventKind::ready, .worker = worker, .generation = 3, .reason = reason, .at = {2000, 20}};
    }
    [[nodiscard]] static SlowRow slow(const std::string& uri, const std::vector<std::string>& frames = {}) {
        return {.worker = "perl",
                .method = "GET",
                .uri = uri,
                .frames = frames,
                .fingerprint = fingerprint_of(frames),
                .at = {3000, 30}};
    }
    [[nodiscard]] std::string scalar(const std::string& sql) const {
        SQLite::Database database(path_, SQLite::OPEN_READONLY, 1000);
        return database.execAndGet(sql).getString();
    }
    [[nodiscard]] std::vector<std::filesystem::path> put_aside() const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            const auto name = entry.path().filename().string();
            if (name.contains(".damaged-") && !name.ends_with("-wal")) found.push_back(entry.path());
        }
        return found;
    }

    std::filesystem::path folder_;
    std::string path_;
};

} // namespace mpsup::state
