# Requests that are almost right: made from a grammar of HTTP/1.1 with the anomalies that have parted servers from one another, then
# damaged a little. All chance comes from one seed.
package Mpsup::Mutate;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(generator);

my @methods = (('GET') x 12, ('POST') x 20, qw(PUT HEAD OPTIONS DELETE get GET/1 TRACE));
my @targets = (('/') x 30, ('/test', '/a?b=c', '/a%20b', '/a;b') x 3, '//a', '/%2e%2e/a', 'http://localhost/x', '*', '/a#b', '/%00', "/a\tb", "/\x{e9}");
my @versions = (('HTTP/1.1') x 60, qw(HTTP/1.0 HTTP/1.2 HTTP/2.0 http/1.1 HTTP/1.1x HTTP/01.1), '');
my @ends     = (("\r\n") x 200, "\n", "\r", "\r\r\n", "\n\r\n", " \r\n", "\0\r\n");
my @codings  = (
    ('chunked') x 60, 'Chunked', ' chunked', 'chunked ', "chunked\t", ',chunked', 'chunked,', 'chunked, chunked', 'identity', 'gzip, chunked',
    'chunked, gzip', 'xchunked', '"chunked"', 'chunked;q=1', "\x0bchunked", "chunked\xa0", "\r\n chunked", 'cow', ''
);
my @coding_names = (
    ('Transfer-Encoding') x 40, 'transfer-encoding', 'Transfer-Encoding ', ' Transfer-Encoding', 'Transfer_Encoding', "Transfer-Encoding\t",
    "X: y\r\nTransfer-Encoding", "X: y\nTransfer-Encoding", "Transfer-Encoding\0", 'Transfer-Encodin'
);
my @length_names = (('Content-Length') x 40, 'content-length', 'Content-Length ', 'Content_Length', "X: y\rContent-Length", ' Content-Length', "Content-Length\x0b");
my @others = (
    'Connection: close', 'Connection: keep-alive', 'Connection: Content-Length', 'Connection: Transfer-Encoding, X', 'Connection: Host',
    'Expect: 100-continue', 'Expect: x', 'Upgrade: websocket', 'Upgrade: h2c', 'TE: trailers', 'Trailer: Content-Length', 'X-Forwarded-For: 1.2.3.4',
    'Range: bytes=0-0', 'Cookie: a=b', "X: a\r\n folded", "X-Y:\x01", ': empty', 'NoColon', 'Proxy: x', 'If-None-Match: *', 'Accept-Encoding: gzip', 'Keep-Alive: 5',
    'Max-Forwards: 0', 'Host: other', 'X-A: ' . 'a' x 3000
);
my $smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

# A function that returns another request, or two, each time it is called.
sub generator {
    my ($seed) = @_;
    my $state = $seed % 4294967296 || 1;
    my $dice  = sub { # xorshift: the same on every machine
        my ($sides) = @_;
        $state ^= ($state << 13) & 0xffffffff;
        $state ^= $state >> 17;
        $state ^= ($state << 5) & 0xffffffff;
        return $state % $sides;
    };
    my $one_of = sub { $_[ $dice->(scalar @_) ] };
    my $number = sub {
        my ($n) = @_;
        return $one_of->(($n) x 80, "+$n", "0$n", " $n", "$n ", "$n,$n", "$n, $n", sprintf('0x%x', $n), "-$n", '', '18446744073709551616', $n + 1, $n > 0 ? $n - 1 : 5, "${n}a", "$n\t");
    };
    my $chunks = sub {
        my ($content) = @_;
        my $text = '';
        while (length $content) {
            my $piece = substr $content, 0, 1 + $dice->(length $content), '';
            my $size  = sprintf '%x', length $piece;
            $size = $one_of->(($size) x 100, "0$size", uc $size, "$size;a", "$size;a=b", "$size;a=\"b\"", "$size ", " $size", "0x$size", "+$size", "${size}_", "$size;\n", "$size;a=\"\r\n\"", "fffffffff$size");
            $text .= $size . $one_of->(("\r\n") x 100, "\n", "\r", '') . $piece . $one_of->(("\r\n") x 120, "\n", '', "\r\n\r\n", 'x');
        }
        return $text . $one_of->(("0\r\n\r\n") x 60, "0\r\n", "00\r\n\r\n", "0\n\n", "0;x\r\n\r\n", "0\r\nX: y\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n", "-0\r\n\r\n", "0\r\n\n", "\r\n");
    };
    my $request = sub {
        my $content = $one_of->('', 'x', 'hello', $smuggled, "0\r\n\r\n$smuggled", 'a' x 200);
        my @fields  = $one_of->(('Host: localhost') x 60, 'Host: a b', 'Host:', 'host: localhost', "Host: localhost\r\nHost: localhost", '');
        my $body    = $content;
        my $framing = $dice->(length $content ? 10 : 12);
        if ($framing < 4) { push @fields, $one_of->(@length_names) . ': ' . $number->(length $content) }
        elsif ($framing < 9) { push @fields, $one_of->(@coding_names) . ': ' . $one_of->(@codings); $body = $chunks->($content) }
        elsif ($framing == 9) {
            push @fields, $one_of->(@coding_names) . ': ' . $one_of->(@codings);
            $body = $chunks->($content);
            push @fields, $one_of->(@length_names) . ': ' . $number->($one_of->(length $body, length $content, 4));
        }
        push @fields, $one_of->(@others) for 1 .. $one_of->(0, 0, 0, 1, 1, 2);
        @fields = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [$dice->(1000), $_] } grep { length } @fields;
        my $version = $one_of->(@versions);
        my $head = join $one_of->((' ') x 150, '  ', "\t"), $one_of->(@methods), $one_of->(@targets), length $version ? $version : ();
        return join('', map { $_ . $one_of->(@ends) } $head, @fields) . $one_of->(("\r\n") x 150, "\n", "\r") . $body;
    };
    my $damage = sub {
        my ($text) = @_;
        for (0 .. $dice->(2)) {
            my $at   = $dice->(length($text) || 1);
            my $what = $dice->(4);
            if    ($what == 0) { substr $text, $at, 1, chr $dice->(256) }
            elsif ($what == 1) { substr $text, $at, 1 + $dice->(4), '' if $at < length $text }
            elsif ($what == 2) { substr $text, $at, 0, $one_of->("\r\n", "\n", "\r", ' ', "\0", ':', ',', "\r\n\r\n", '0') }
            else               { substr $text, $at, 0, substr $text, $at, 1 + $dice->(20) }
        }
        return $text;
    };
    return sub {
        my $text = join '', map { $request->() } 0 .. $dice->(2);
        return $dice->(8) == 0 ? $damage->($text) : $text;
    };
}

1;
