// No path, however it is written, opens anything outside of the root or a dot file.
#include "worker/http/percent.h"
#include "worker/http/target.h"
#include "worker/static/static_files.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace {

// root/{a.txt,sub/b.txt,.hidden,out -> ../secret}, secret beside it; all that may be read begins with "ok".
struct Site {
    Site() : base(make()), files(std::move(*mpsup::static_files::StaticFiles::open({.root = base + "/root"}))) {}
    ~Site() { std::filesystem::remove_all(base); }
    static std::string make() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mpsup-fuzz-XXXXXX").string();
        const std::string base = ::mkdtemp(pattern.data());
        std::filesystem::create_directories(base + "/root/sub");
        std::ofstream(base + "/root/a.txt") << "ok";
        std::ofstream(base + "/root/sub/b.txt") << "ok";
        std::ofstream(base + "/root/sub/index.html") << "ok";
        std::ofstream(base + "/root/.hidden") << "no";
        std::ofstream(base + "/secret") << "no";
        std::filesystem::create_symlink("../secret", base + "/root/out");
        return base;
    }
    std::string base;
    mpsup::static_files::StaticFiles files;
};

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Site site;
    const std::string_view target(reinterpret_cast<const char*>(data), size);
    const auto parts = mpsup::http::split_target(target, false);
    if (!parts) return 0;
    if (const auto decoded = mpsup::http::decode_path(parts->path))
        if (mpsup::http::decode_path(mpsup::http::encode_path(*decoded)) != decoded) std::abort();
    mpsup::http::Request request;
    request.method = "GET";
    request.path = parts->path;
    request.query = parts->query;
    request.has_query = parts->has_query;
    mpsup::http::Reply reply;
    site.files.answer(request, reply);
    if (reply.status == 200) {
        if (reply.lent != "ok") std::abort();
    }
    for (const auto& field : reply.fields())
        for (const char c : field.value)
            if (c == '\r' || c == '\n' || c == '\0') std::abort();
    return 0;
}
