#include "worker/http/cold_files.h"

#include "base/fd.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <unistd.h>

namespace mpsup::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::uint64_t size = 4U << 20U;

Fd cold_file() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mpsup-cold-XXXXXX").string();
    Fd file(::mkostemp(pattern.data(), O_CLOEXEC));
    ::unlink(pattern.c_str());
    const std::string content(size, 'x');
    EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ::fsync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    return file;
}

TEST(ColdFiles, AreReadWhileTheLoopDoesSomethingElse) {
    const Fd file = cold_file();
    asio::io_context io;
    ColdFiles files(io);
    bool done = false;
    bool met = false; // the other work came first
    asio::co_spawn(io, files.read(file.get(), 0, size), [&](const std::exception_ptr&) { done = true; });
    asio::post(io, [&] { met = !done; });
    io.run_for(10s);
    EXPECT_TRUE(done);
    EXPECT_TRUE(met);
    EXPECT_TRUE(in_page_cache(file.get(), 0, size));
}

TEST(ColdFiles, WakeEachWhoWaits) {
    const Fd file = cold_file();
    asio::io_context io;
    ColdFiles files(io);
    int done = 0;
    for (std::uint64_t i = 0; i < 400; ++i)
        asio::co_spawn(io, files.read(file.get(), i * 4096, 4096), [&](const std::exception_ptr&) { ++done; });
    io.run_for(10s);
    EXPECT_EQ(done, 400) << "also those that were too many";
}

TEST(ColdFiles, WakeNobodyOnceTheLoopIsGone) {
    for (int i = 0; i < 50; ++i) {
        const Fd file = cold_file();
        std::optional<asio::io_context> io(std::in_place);
        std::optional<ColdFiles> files(std::in_place, *io);
        asio::co_spawn(*io, files->read(file.get(), 0, size), asio::detached);
        io->poll();
        files.reset();
        io.reset();
    }
}

} // namespace
} // namespace mpsup::http
