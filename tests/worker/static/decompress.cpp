#include "tests/worker/static/decompress.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace mpsup::static_files {

namespace {

constexpr std::size_t room = std::size_t{4} << 20U;
constexpr const char* bad = "[bad]";

std::string from_gzip(std::string_view coded) {
    std::string out(room, '\0');
    z_stream stream{};
    if (::inflateInit2(&stream, 15 + 16) != Z_OK) return bad;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
    stream.avail_in = static_cast<uInt>(coded.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool whole = ::inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    out.resize(stream.total_out);
    ::inflateEnd(&stream);
    return whole ? out : bad;
}

std::string from_brotli(std::string_view coded) {
    std::string out(room, '\0');
    std::size_t size = out.size();
    if (::BrotliDecoderDecompress(coded.size(), reinterpret_cast<const std::uint8_t*>(coded.data()), &size,
                                  reinterpret_cast<std::uint8_t*>(out.data())) != BROTLI_DECODER_RESULT_SUCCESS)
        return bad;
    out.resize(size);
    return out;
}

std::string from_zstd(std::string_view coded) {
    std::string out(room, '\0');
    const std::size_t size = ::ZSTD_decompress(out.data(), out.size(), coded.data(), coded.size());
    if (::ZSTD_isError(size) != 0) return bad;
    out.resize(size);
    return out;
}

} // namespace

std::string decompress(Coding coding, std::string_view coded) {
    switch (coding) {
    case Coding::gzip: return from_gzip(coded);
    case Coding::brotli: return from_brotli(coded);
    case Coding::zstd: return from_zstd(coded);
    case Coding::identity: break;
    }
    return std::string(coded);
}

} // namespace mpsup::static_files
