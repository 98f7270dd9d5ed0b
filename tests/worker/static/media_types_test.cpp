#include "worker/static/media_types.h"

#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

TEST(MediaType, GoesByTheExtension) {
    EXPECT_EQ(media_type("/static/gitweb.css"), "text/css; charset=utf-8");
    EXPECT_EQ(media_type("/static/gitweb.js"), "text/javascript; charset=utf-8");
    EXPECT_EQ(media_type("/static/git-logo.png"), "image/png");
    EXPECT_EQ(media_type("logo.SVG"), "image/svg+xml");
    EXPECT_EQ(media_type("a.tar.gz"), "application/gzip");
    EXPECT_EQ(media_type("font.woff2"), "font/woff2");
    EXPECT_EQ(media_type("m.wasm"), "application/wasm");
    EXPECT_EQ(media_type("favicon.ico"), "image/vnd.microsoft.icon");
    EXPECT_EQ(media_type("x.json"), "application/json");
    EXPECT_EQ(media_type("x.webp"), "image/webp");
}

TEST(MediaType, IsOpaqueForTheUnknown) {
    for (const char* path : {"", "README", "a.b/README", "x.unknown", "x.", "x.averyveryverylongextension", "/"})
        EXPECT_EQ(media_type(path), "application/octet-stream") << path;
}

TEST(MediaTypes, PutAdditionsBeforeTheTable) {
    const MediaTypes types(
        {{"HTML", "application/xhtml+xml"}, {"wat", "text/plain"}, {"php", "text/html; charset=iso-8859-1"}});
    EXPECT_EQ(types.of("/a/index.Html"), "application/xhtml+xml");
    EXPECT_EQ(types.of("x.wat"), "text/plain; charset=utf-8") << "text has a charset";
    EXPECT_EQ(types.of("x.php"), "text/html; charset=iso-8859-1");
    EXPECT_EQ(types.of("x.css"), "text/css; charset=utf-8");
    EXPECT_EQ(types.of("a.wat/README"), "application/octet-stream");
    EXPECT_EQ(types.of("wat"), "application/octet-stream");
}

} // namespace
} // namespace mpsup::static_files
