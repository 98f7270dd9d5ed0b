#include "worker/static/stored_file.h"

#include "tests/worker/static/decompress.h"
#include "tests/worker/static/folder.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace mpsup::static_files {
namespace {

class Stored : public testing::Test {
protected:
    Stored() : css(std::string(2000, 'c')) {
        folder.write("a.css", css);
        folder.write("photo.jpg", std::string(2000, 'p'));
        folder.write("large.js", std::string(100'000, 'l'));
        folder.write("small.css", "p {}");
    }
    FileLoader loader(contract::Files files = {}) {
        files.root = folder.path();
        auto root = Root::open(files.root, files.symlinks);
        return {std::move(*root), std::move(files)};
    }
    std::shared_ptr<StoredFile> load(const FileLoader& from, const std::string& name, std::time_t later = 60) {
        auto file = from.load("/" + name, name, std::time(nullptr) + later);
        return file ? *file : nullptr;
    }
    void age(const std::string& name, std::time_t mtime) {
        const timespec times[2] = {{mtime, 999}, {mtime, 999}};
        ASSERT_EQ(::utimensat(AT_FDCWD, folder.path(name).c_str(), times, 0), 0);
    }
    // Until the kernel's clock has ticked a change does not show.
    template <typename Change> void change(const std::string& name, Change what) {
        struct stat before{};
        ASSERT_EQ(::lstat(folder.path(name).c_str(), &before), 0);
        struct stat after = before;
        while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
            what();
            if (::lstat(folder.path(name).c_str(), &after) != 0) return;
        }
    }

    Folder folder;
    std::string css;
};

TEST_F(Stored, HasSmallFilesInMemoryAndLargeOnesOpen) {
    const FileLoader from = loader();
    const auto small = load(from, "a.css");
    ASSERT_TRUE(small);
    EXPECT_EQ(small->form(Coding::identity)->content, css);
    EXPECT_EQ(small->form(Coding::identity)->media_type, "text/css; charset=utf-8");
    EXPECT_EQ(small->memory(), css.size());
    EXPECT_EQ(small->descriptors(), 0U);
    const auto large = load(from, "large.js");
    ASSERT_TRUE(large);
    EXPECT_TRUE(large->form(Coding::identity)->file);
    EXPECT_EQ(large->form(Coding::identity)->size, 100'000U);
    EXPECT_EQ(large->memory(), 0U);
    EXPECT_EQ(large->descriptors(), 1U);
}

TEST_F(Stored, SaysWhyThereIsNone) {
    std::filesystem::create_directory(folder.path("sub"));
    ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
    const FileLoader from = loader();
    const auto error = [&](const char* name) { return from.load("", name, 0).error(); };
    EXPECT_EQ(error("none"), ENOENT);
    EXPECT_EQ(error("sub"), EISDIR);
    EXPECT_EQ(error("fifo"), EINVAL);
}

TEST_F(Stored, TakesWhatLiesCompressedBesideAFile) {
    folder.write("a.css.br", "brotli");
    folder.write("a.css.gz", "gzip");
    folder.write("photo.jpg.gz", "gzip");
    const FileLoader from = loader();
    const auto file = load(from, "a.css");
    ASSERT_TRUE(file);
    const auto& brotli = file->form(Coding::brotli);
    ASSERT_TRUE(brotli);
    EXPECT_EQ(brotli->content, "brotli");
    EXPECT_EQ(brotli->encoding, "br");
    EXPECT_EQ(brotli->media_type, "text/css; charset=utf-8");
    EXPECT_FALSE(brotli->validators.weak());
    EXPECT_NE(brotli->validators.etag(), file->form(Coding::identity)->validators.etag());
    EXPECT_TRUE(file->form(Coding::gzip));
    EXPECT_FALSE(file->form(Coding::zstd));
    EXPECT_TRUE(load(from, "photo.jpg")->form(Coding::gzip)) << "whoever put it there knows why";
    contract::Files gzip_only;
    gzip_only.precompressed = {"gz"};
    EXPECT_FALSE(load(loader(gzip_only), "a.css")->form(Coding::brotli));
    gzip_only.precompressed = {};
    EXPECT_FALSE(load(loader(gzip_only), "a.css")->form(Coding::gzip));
}

TEST_F(Stored, LeavesAloneWhatWasCompressedFromAnOlderFile) {
    folder.write("a.css.br", "brotli");
    age("a.css", 1'000'000);
    age("a.css.br", 999'999);
    EXPECT_FALSE(load(loader(), "a.css")->form(Coding::brotli));
    const timespec cut[2] = {{1'000'000, 0}, {1'000'000, 0}}; // brotli(1) gives it the time of the original, in seconds
    ASSERT_EQ(::utimensat(AT_FDCWD, folder.path("a.css.br").c_str(), cut, 0), 0);
    EXPECT_TRUE(load(loader(), "a.css")->form(Coding::brotli));
    std::filesystem::remove(folder.path("a.css.br"));
    std::filesystem::create_directory(folder.path("a.css.br"));
    EXPECT_FALSE(load(loader(), "a.css")->form(Coding::brotli));
}

TEST_F(Stored, CompressesText) {
    const FileLoader from = loader();
    for (const char* name : {"a.css", "large.js"}) {
        const auto file = load(from, name);
        ASSERT_TRUE(file->negotiated);
        for (const Coding coding : codings) {
            ASSERT_TRUE(file->may_compress[static_cast<std::size_t>(coding)]);
            from.compress(*file, coding);
            EXPECT_FALSE(file->may_compress[static_cast<std::size_t>(coding)]);
            const auto& form = file->form(coding);
            ASSERT_TRUE(form);
            EXPECT_EQ(decompress(coding, form->content),
                      std::string(file->form(Coding::identity)->size, name[0] == 'a' ? 'c' : 'l'));
            EXPECT_TRUE(form->validators.weak());
            EXPECT_EQ(form->encoding, coding_name(coding));
        }
        EXPECT_TRUE(from.still_true(*file));
    }
    EXPECT_FALSE(load(from, "photo.jpg")->negotiated);
    EXPECT_FALSE(load(from, "small.css")->negotiated) << "nothing to gain";
    contract::Files off;
    off.compress = false;
    EXPECT_FALSE(load(loader(off), "a.css")->negotiated);
}

TEST_F(Stored, IsCompressedBetterByAnotherThread) {
    std::string text;
    for (int i = 0; i < 2000; ++i)
        text += "." + std::to_string(i * 7919 % 1000) + " { margin: " + std::to_string(i % 17) + "px }\n";
    folder.write("rich.css", text);
    const FileLoader from = loader();
    const auto file = load(from, "rich.css");
    Background thread({});
    EXPECT_FALSE(from.improve(*file, Coding::brotli, thread)) << "nobody has asked for it yet";
    from.compress(*file, Coding::brotli);
    const auto quick = file->form(Coding::brotli);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!from.improve(*file, Coding::brotli, thread) && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    const auto& better = file->form(Coding::brotli);
    EXPECT_LT(better->size, quick->size);
    EXPECT_EQ(decompress(Coding::brotli, better->content), text);
    EXPECT_EQ(better->validators.field(), quick->validators.field()) << "the same content, by a weak tag";
    EXPECT_FALSE(from.improve(*file, Coding::brotli, thread)) << "once";
    Background none({.threads = 0});
    from.compress(*file, Coding::gzip);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(from.improve(*file, Coding::gzip, none));
    EXPECT_TRUE(file->form(Coding::gzip));
}

TEST_F(Stored, DoesNotCompressAFileThatChangedMeanwhile) {
    const FileLoader from = loader();
    const auto file = load(from, "large.js");
    change("large.js", [&] { folder.write("large.js", std::string(100'000, 'x')); });
    from.compress(*file, Coding::gzip);
    EXPECT_FALSE(file->form(Coding::gzip)) << "its tag would be that of the state before";
}

TEST_F(Stored, IsSettledTwoSecondsAfterTheLastChangeOfAnyForm) {
    const FileLoader from = loader();
    EXPECT_FALSE(load(from, "a.css", 1)->settled);
    EXPECT_TRUE(load(from, "a.css", 2)->settled);
    std::filesystem::create_symlink("a.css", folder.path("link.css"));
    EXPECT_TRUE(load(from, "link.css", 2)->settled);
}

TEST_F(Stored, IsNoLongerTrueWhenAnythingOfItChanged) {
    folder.write("a.css.gz", "gzip");
    const FileLoader from = loader();
    const auto after = [&](const std::string& name, auto what) {
        const auto file = load(from, "a.css");
        EXPECT_TRUE(from.still_true(*file));
        change(name, what);
        return from.still_true(*file);
    };
    EXPECT_FALSE(after("a.css", [&] { folder.write("a.css", std::string(2000, 'd')); }))
        << "in place, of the same size";
    EXPECT_FALSE(after("a.css", [&] {
        folder.write("new", css);
        std::filesystem::rename(folder.path("new"), folder.path("a.css"));
    })) << "replaced";
    EXPECT_FALSE(after("a.css", [&] { ::chmod(folder.path("a.css").c_str(), 0600 + (::rand() & 1)); })) << "permission";
    folder.write("a.css.gz", "gzip");
    EXPECT_FALSE(after("a.css.gz", [&] { folder.write("a.css.gz", "pigz"); }));
    EXPECT_FALSE(after("a.css.gz", [&] { std::filesystem::remove(folder.path("a.css.gz")); }));
    auto file = load(from, "a.css");
    folder.write("a.css.br", "brotli");
    EXPECT_FALSE(from.still_true(*file)) << "something new beside it";
    age("a.css.br", 1000);
    EXPECT_TRUE(from.still_true(*file)) << "which is out of date";
    std::filesystem::remove(folder.path("a.css"));
    EXPECT_FALSE(from.still_true(*file));
}

TEST_F(Stored, SeesThatAnOpenFileWasTouched) {
    const FileLoader from = loader();
    const auto file = load(from, "large.js");
    const Form& form = *file->form(Coding::identity);
    EXPECT_TRUE(FileLoader::is_untouched(form));
    change("large.js", [&] { folder.write("large.js", std::string(100'000, 'x')); });
    EXPECT_FALSE(FileLoader::is_untouched(form));
    const auto again = load(from, "large.js");
    change("large.js", [&] {
        folder.write("new", std::string(100'000, 'n'));
        std::filesystem::rename(folder.path("new"), folder.path("large.js"));
    });
    EXPECT_FALSE(FileLoader::is_untouched(*again->form(Coding::identity))) << "replaced";
}

} // namespace
} // namespace mpsup::static_files
