#include "worker/static/compression.h"

#include <algorithm>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

namespace mpsup::static_files {

namespace {

constexpr std::string_view compressible[] = {
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/rtf",
    "application/wasm",
    "application/x-javascript",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "application/vnd.ms-fontobject",
    "image/bmp",
    "image/vnd.microsoft.icon",
};

bool to_gzip(int level, std::string_view text, std::string& out) {
    z_stream stream{};
    constexpr int window_with_gzip_head = 15 + 16;
    if (::deflateInit2(&stream, level, Z_DEFLATED, window_with_gzip_head, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    out.resize(::deflateBound(&stream, text.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.resize(done ? stream.total_out : 0);
    ::deflateEnd(&stream);
    return done;
}

bool to_brotli(int quality, std::string_view text, std::string& out) {
    std::size_t size = ::BrotliEncoderMaxCompressedSize(text.size());
    out.resize(size);
    const bool done = ::BrotliEncoderCompress(quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, text.size(),
                                              reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                              reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE;
    out.resize(done ? size : 0);
    return done;
}

bool to_zstd(int level, std::string_view text, std::string& out) {
    out.resize(::ZSTD_compressBound(text.size()));
    const std::size_t size = ::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), level);
    const bool done = ::ZSTD_isError(size) == 0;
    out.resize(done ? size : 0);
    return done;
}

bool encode(Coding coding, Effort effort, std::string_view text, std::string& out) {
    const bool low = effort == Effort::low;
    switch (coding) {
    case Coding::gzip: return to_gzip(low ? 1 : 6, text, out);
    case Coding::brotli: return to_brotli(low ? 1 : 6, text, out);
    case Coding::zstd: return to_zstd(low ? 1 : 12, text, out);
    case Coding::identity: break;
    }
    return false;
}

} // namespace

bool is_compressible(std::string_view media_type) noexcept {
    const std::string_view type = media_type.substr(0, media_type.find(';'));
    return type.starts_with("text/") || type.ends_with("+xml") || type.ends_with("+json") ||
           std::ranges::find(compressible, type) != std::end(compressible);
}

std::optional<std::string> compress(Coding coding, Effort effort, std::string_view text) {
    std::string out;
    if (text.size() > most_compressed || !encode(coding, effort, text, out)) return std::nullopt;
    if (out.size() > text.size() - text.size() / 20) return std::nullopt;
    out.shrink_to_fit();
    return out;
}

bool CompressionBudget::allows(Time now) noexcept {
    if (now > refilled_) left_ = std::min<Duration>(most, left_ + (now - refilled_) / 5);
    refilled_ = std::max(refilled_, now);
    return left_ > Duration::zero();
}

} // namespace mpsup::static_files
