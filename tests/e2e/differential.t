# One application behind Starman and behind mpsup: whatever it answers, clients must get the same from both. Where they do
# not, a row of the table below says so, and which clause is on our side. A difference that is not in the table fails, and
# so does a row without its difference.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Mpsup::Test qw(new_site free_port connect_to wait_until);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time);

my ($starman) = grep { -x } map { "$_/starman" } split /:/, $ENV{PATH};
plan skip_all => 'starman is not installed' if !$starman;

my $site = new_site();
my $dir  = $site->dir;
my %port = (starman => free_port(), mpsup => free_port());
$site->write('page.txt', join '', map { "line $_\n" } 1 .. 20_000);
my $application = $site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict; use warnings;
use Digest::MD5 ();
my @ok = (200, ['Content-Type' => 'text/plain']);
my %count;
package Lines { sub new { bless [@_[1 .. $#_]] } sub getline { shift @{ $_[0] } } sub close { ++$count{closed} } }
package Dying { sub new { bless {} } sub getline { $_[0]{n}++ ? die "in the middle\n" : "first\n" } sub close { ++$count{closed} } }
package Separator { sub new { bless {} } sub getline { $_[0]{n}++ ? undef : ref $/ ? "a block\n" : "a line\n" } sub close { } }
package Text { use overload '""' => sub { "overloaded caf\xe9" }, fallback => 1; sub new { bless [] } }
package Code { use overload '&{}' => sub { my $self = shift; sub { $_[0]->([@ok, ['overloaded code']]) } }, fallback => 1; sub new { bless {} } }
package Failure { use overload '""' => sub { 'an object' }, fallback => 1; sub new { bless {} } }
package main;
sub file { open my $fh, '<', 'DIR/page.txt' or die; return $fh }
sub text { my @text = @_; sub { [@ok, [@text]] } }
sub headers { my @headers = @_; sub { [200, [@headers], ['abc']] } }
sub stream { my ($act) = @_; sub { sub { my $w = $_[0]->([@ok]); $act->($w) } } }
sub upgraded { my $text = shift; utf8::upgrade($text); return $text }
my %page = (
    ping        => text('pong'),
    array       => text('a', '', 'b', '0'),
    zero        => text('0'),
    empty       => text(),
    blank       => text('', ''),
    big         => text(map { "$_\n" } 1 .. 60_000),
    undefined   => sub { no warnings; [@ok, ['a', undef, 'b']] },
    latin1      => text(upgraded("caf\xe9")),
    bytes       => text(join '', map { chr } 0 .. 255),
    wide        => text('before', "\x{263a}"),
    overload    => sub { [@ok, [Text->new]] },
    crlf        => headers('Content-Type' => 'text/plain', 'X-A' => "a\r\nX-Evil: 1"),
    nul         => headers('Content-Type' => 'text/plain', 'X-A' => "a\0b"),
    tab         => headers('Content-Type' => 'text/plain', 'X-A' => "a\tb"),
    badname     => headers('X A' => 'b'),
    namecrlf    => headers("X-A\r\nX-Evil: 1\r\nX-B" => 'b'),
    headerlatin1 => headers('X-A' => upgraded("caf\xe9")),
    headerwide  => headers('X-A' => "\x{263a}"),
    emptyvalue  => headers('X-A' => ''),
    longvalue   => headers('X-A' => 'v' x 20_000),
    notype      => headers(),
    date        => headers('Date' => 'Thu, 01 Jan 1970 00:00:00 GMT'),
    server      => headers('Server' => 'mine/1'),
    case        => headers('x-CASE' => 'Kept'),
    cookies     => headers('Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2', 'X-A' => 1, 'Set-Cookie' => 'c=3'),
    badstatus   => sub { ['abc', [], ['x']] },
    status299   => sub { [299, [@{ $ok[1] }], ['x']] },
    status101   => sub { [101, [], []] },
    odd         => sub { [200, ['Content-Type'], ['x']] },
    nothing     => sub { undef },
    string      => sub { 'hello' },
    bodyless    => sub { [200, []] },
    204         => sub { [204, [], []] },
    '204body'   => sub { [204, [], ['content']] },
    '204length' => sub { [204, ['Content-Length' => 7], []] },
    304         => sub { [304, [ETag => '"a"'], []] },
    '304length' => sub { [304, [ETag => '"a"', 'Content-Length' => 7], []] },
    205         => sub { [205, [], []] },
    '205body'   => sub { [205, ['Content-Type' => 'text/plain'], ['content']] },
    redirect    => sub { [302, [Location => '/array'], []] },
    exact       => headers('Content-Length' => 3),
    short       => headers('Content-Length' => 10),
    long        => sub { [200, ['Content-Length' => 3], ['ab', 'cdef']] },
    none        => headers('Content-Length' => 0),
    nonumber    => headers('Content-Length' => 'three'),
    twolengths  => headers('Content-Length' => 3, 'Content-Length' => 6),
    close       => headers('Connection' => 'close'),
    closecase   => headers('CoNNection' => 'CLose'),
    keepalive   => headers('Connection' => 'keep-alive', 'Keep-Alive' => 'timeout=5'),
    te          => headers('Transfer-Encoding' => 'chunked'),
    teidentity  => headers('Transfer-Encoding' => 'gzip'),
    file        => sub { [@ok, file()] },
    fileexact   => sub { [200, ['Content-Length' => -s 'DIR/page.txt'], file()] },
    seek        => sub { my $fh = file(); seek $fh, 100, 0; [@ok, $fh] },
    line        => sub { my $fh = file(); my $first = <$fh>; [@ok, $fh] },
    ended       => sub { my $fh = file(); seek $fh, 0, 2; [@ok, $fh] },
    layer       => sub { open my $fh, '<:crlf', 'DIR/page.txt' or die; [@ok, $fh] },
    memory      => sub { open my $fh, '<', \"in memory\n"; [@ok, $fh] },
    pipe        => sub { open my $fh, '-|', 'echo from a program' or die; [@ok, $fh] },
    lines       => sub { [@ok, Lines->new("one\n", '', "two\n", '0')] },
    nolines     => sub { [@ok, Lines->new] },
    separator   => sub { [@ok, Separator->new] },
    dying       => sub { [@ok, Dying->new] },
    closed      => sub { [@ok, [delete $count{closed} // 0]] },
    newline     => sub { [@ok, [$/ eq "\n" ? 'newline' : 'changed']] },
    delayed     => sub { sub { $_[0]->([@ok, ['later']]) } },
    delayedfile => sub { sub { $_[0]->([@ok, file()]) } },
    code        => sub { Code->new },
    stream      => stream(sub { my $w = shift; $w->write("part $_\n") for 1 .. 3; $w->write(''); $w->write('0'); $w->close }),
    streamopen  => stream(sub { my $w = shift; $w->write('never closed') }),
    streamempty => stream(sub { $_[0]->close }),
    streamlatin1 => stream(sub { my $w = shift; $w->write(upgraded("caf\xe9")); $w->close }),
    streamwide  => stream(sub { my $w = shift; $w->write('before'); $w->write("\x{263a}"); $w->close }),
    streamlength => sub { sub { my $w = $_[0]->([200, ['Content-Length' => 4]]); $w->write('ab'); $w->write('cd'); $w->close } },
    streamdie   => stream(sub { my $w = shift; $w->write("part\n"); die "in the stream\n" }),
    never       => sub { sub { } },
    double      => sub { sub { $_[0]->([@ok, ['1']]); $_[0]->([@ok, ['2']]) } },
    die         => sub { die "no luck\n" },
    dieobject   => sub { die Failure->new },
    diedelayed  => sub { sub { die "no luck\n" } },
    warn        => sub { warn "a warning\n"; [@ok, ['x']] },
    echo        => sub {
        my $in = $_[0]{'psgi.input'};
        my $body = '';
        1 while $in->read($body, 100_000, length $body);
        my $first = $_[0]{CONTENT_LENGTH} ? do { $in->seek(0, 0); <$in> // '' } : '';
        [@ok, [length $body, ' ', Digest::MD5::md5_hex($body), ' ', length $first, ' ', $_[0]{CONTENT_LENGTH} // 'none', ' ',
            exists $_[0]{HTTP_TRANSFER_ENCODING} ? 'encoded' : 'plain']];
    },
    unread      => text('not looked at'),
    closeinput  => sub { close $_[0]{'psgi.input'}; [@ok, ['x']] },
    input       => sub { [@ok, [defined $_[0]{'psgi.input'}->read(my $buffer, 10) ? 'can be read' : 'cannot be read']] },
    env         => sub {
        my $e = $_[0];
        [@ok, [map { "$_=$e->{$_} " } sort grep { !/^psgi|^mpsup\.|^REMOTE_|^SERVER_PORT|HTTP_HOST|HTTP_CONNECTION/ } keys %$e]];
    },
    psgi        => sub {
        my $e = $_[0];
        [@ok, [join ' ', "@{ $e->{'psgi.version'} }", map { "$_=" . ($e->{"psgi.$_"} ? 1 : 0) } qw(multithread multiprocess run_once nonblocking streaming)]];
    },
    extensions  => sub { [@ok, [join ' ', grep { exists $_[0]{$_} } map { "psgix.$_" } qw(input.buffered io cleanup harakiri informational logger)]] },
    assign      => sub { my $e = $_[0]; $e->{$_} = 'x' for grep { !/^SERVER_PROTOCOL|^REQUEST_METHOD/ } keys %$e; [@ok, ['every value can be assigned to']] },
    cleanup     => sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { ++$count{cleaned} } if $_[0]{'psgix.cleanup'}; [@ok, ['x']] },
);
sub {
    my $env = shift;
    my ($name) = $env->{PATH_INFO} =~ m{([^/]*)\z};
    my $page = $page{$name} // ($env->{PATH_INFO} =~ m{\A/env} ? $page{env} : $page{ping});
    return $page->($env);
};
APP

# What is asked, besides GET and HEAD of each page: the bytes that are sent, and how many replies they are worth.
my $host = "Host: a\r\n";
my $post = "POST /echo HTTP/1.1\r\n${host}";
sub several { return join '', map { ("GET /$_ HTTP/1.1\r\nHost: a\r\n\r\n") } @_ }
my %question = (
    'POST'                      => ["${post}Content-Length: 5\r\n\r\nhello"],
    'POST of nothing'           => ["${post}Content-Length: 0\r\n\r\n"],
    'big POST'                  => ["${post}Content-Length: 2000000\r\n\r\n" . "line\n" x 400_000],
    'POST, not read'            => ["POST /unread HTTP/1.1\r\n${host}Content-Length: 300000\r\n\r\n" . 'x' x 300_000],
    'chunked POST'              => ["${post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n"],
    'chunked POST, capital'     => ["${post}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    'chunked POST of nothing'   => ["${post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    'chunked POST with trailer' => ["${post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"],
    'both lengths'              => ["${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    'expect'                    => ["${post}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 1, 'hello'],
    'expect else'               => ["${post}Expect: miracles\r\nContent-Length: 5\r\n\r\nhello"],
    'pipelined GETs'            => [several(qw(array zero array)), 3],
    'pipelined POST'            => ["GET /array HTTP/1.1\r\n$host\r\n${post}Content-Length: 5\r\n\r\nhello", 2],
    'GET behind a POST'         => ["${post}Content-Length: 5\r\n\r\nhelloGET /array HTTP/1.1\r\n$host\r\n", 2],
    'HTTP/1.0'                  => ["GET /array HTTP/1.0\r\n\r\n"],
    'HTTP/1.0 stream'           => ["GET /stream HTTP/1.0\r\n\r\n"],
    'HTTP/1.0 keep-alive'       => ["GET /exact HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
    'asked to close'            => ["GET /array HTTP/1.1\r\n${host}Connection: close\r\n\r\n"],
    'asked to close, capitals'  => ["GET /array HTTP/1.1\r\n${host}Connection: CLOSE\r\n\r\n"],
    'asked to close, in a list' => ["GET /array HTTP/1.1\r\n${host}Connection: x, close\r\n\r\n"],
    'no Host'                   => ["GET /array HTTP/1.1\r\n\r\n"],
    'env'                       => ["GET /env HTTP/1.1\r\n${host}Accept: */*\r\nX-Some-Thing: 1\r\nContent-Type: a/b\r\n\r\n"],
    'env escaped'               => ["GET /env%20x%2541%2f//y?a=1&b=%20 HTTP/1.1\r\n$host\r\n"],
    'env latin-1'               => ["GET /env%e9 HTTP/1.1\r\n$host\r\n"],
    'env repeated'              => ["GET /env HTTP/1.1\r\n${host}X-Two: a\r\nX-Two: b\r\nAccept: c\r\nAccept: d\r\n\r\n"],
    'env cookies'               => ["GET /env HTTP/1.1\r\n${host}Cookie: a=1\r\nCookie: b=2\r\n\r\n"],
    'env underscore'            => ["GET /env HTTP/1.1\r\n${host}X_Under: evil\r\n\r\n"],
    'env proxy'                 => ["GET /env HTTP/1.1\r\n${host}Proxy: evil\r\n\r\n"],
    'env absolute'              => ["GET http://a/env?q HTTP/1.1\r\n$host\r\n"],
    'env bad escape'            => ["GET /env%zz HTTP/1.1\r\n$host\r\n"],
    'env NUL'                   => ["GET /env%00 HTTP/1.1\r\n$host\r\n"],
    'env empty query'           => ["GET /env? HTTP/1.1\r\n$host\r\n"],
    'env bare LF'               => ["GET /env HTTP/1.1\nHost: a\n\n"],
    'env folded'                => ["GET /env HTTP/1.1\r\n${host}X-A: one\r\n two\r\n\r\n"],
    'env other method'          => ["PURGE /env HTTP/1.1\r\n$host\r\n"],
    'closes of objects'         => [several(qw(closed lines closed)), 3],
    'line ends behind blocks'   => [several(qw(separator newline)), 2],
    'input after a closed one'  => [several(qw(closeinput input)), 2],
);
my @pages = do { open my $in, '<', $application or die; map { /^    '?(\w+)'?\s+=>/ ? $1 : () } <$in> };
for my $page (grep { !/^(?:echo|env|ping|closed|closeinput|input|unread)\z/ } @pages) {
    $question{$page}        = ["GET /$page HTTP/1.1\r\n$host\r\n"];
    $question{"HEAD $page"} = ["HEAD /$page HTTP/1.1\r\n$host\r\n"];
}

# Differences: what Starman does, what we do, and why. The aspects of an answer:
#   status   of each reply
#   headers  the application's, in its order, but for those that frame the reply and Date
#   body     of each reply; not of errors, whose text is the server's own
#   framing  of replies without content, where the length is all that there is
#   end      kept: the connection serves another request; closed: after whole replies; cut: within one
#   stray    bytes after the reply that are no part of it
# When the statuses differ, so does all the rest: of the other aspects only the end is compared then. A HEAD has the
# difference of its GET unless it has a row of its own; of its content and length RFC 9110 section 9.3.2 says enough.
my $is_500 = [200, 500]; # Starman sends it as it is
my %difference = (
    # The response
    wide        => [{status => ['', 500], end => [qw(cut closed)]}, 'PSGI 1.1, Body: no wide characters; Starman dies behind the head'],
    'HEAD wide' => [{status => $is_500}, 'RFC 9110 section 9.3.2: what GET would have got'],
    headerwide  => [{status => ['', 500], end => [qw(cut closed)]}, 'PSGI 1.1, Headers: values are strings of octets'],
    crlf        => [{status => $is_500, end => [qw(kept closed)]}, 'PSGI 1.1, Headers: no characters below octal 037; RFC 9110 section 5.5'],
    namecrlf    => [{status => $is_500, end => [qw(kept closed)]}, 'PSGI 1.1, Headers: a name is letters, digits, _ and -; RFC 9110 section 5.1'],
    nul         => [{status => $is_500, end => [qw(kept closed)]}, 'PSGI 1.1, Headers: no characters below octal 037'],
    badname     => [{status => $is_500, end => [qw(kept closed)]}, 'RFC 9110 section 5.1: the name of a field is a token'],
    odd         => [{status => $is_500, end => [qw(kept closed)]}, 'PSGI 1.1, Headers: an even number of elements'],
    nonumber    => [{status => $is_500}, 'RFC 9110 section 8.6: Content-Length = 1*DIGIT'],
    'HEAD nonumber' => [{status => $is_500, end => [qw(kept closed)]}, 'RFC 9110 section 8.6: Content-Length = 1*DIGIT'],
    twolengths  => [{status => ['', 500], end => [qw(cut closed)]}, 'RFC 9110 section 8.6: one Content-Length; Starman sends both'],
    'HEAD twolengths' => [{status => $is_500, end => [qw(kept closed)]}, 'RFC 9110 section 8.6: one Content-Length; Starman sends both'],
    badstatus   => [{status => ['abc', 500], end => [qw(kept closed)]}, 'PSGI 1.1, Status: an integer of at least 100'],
    status101   => [{status => [101, 500], end => [qw(kept closed)]}, 'RFC 9110 section 15.2.2: only after an Upgrade, which is not offered'],
    string      => [{status => ['', 500], end => [qw(cut closed)]}, 'RFC 9110 section 15.6.1: Starman dies, its client gets nothing'],
    bodyless    => [{status => ['', 500], end => [qw(cut closed)]}, 'PSGI 1.1, The Response: three elements unless it is streamed'],
    'HEAD bodyless' => [{status => $is_500, end => [qw(kept closed)]}, 'RFC 9110 section 9.3.2: what GET would have got'],
    nothing     => [{end => [qw(kept closed)]}, 'RFC 9112 section 9.6: a server may close after any reply'],
    die         => [{end => [qw(kept closed)]}, 'RFC 9112 section 9.6: a server may close after any reply'],
    dieobject   => [{end => [qw(kept closed)]}, 'RFC 9112 section 9.6: a server may close after any reply'],
    diedelayed  => [{status => ['', 500], end => [qw(cut closed)]}, 'RFC 9110 section 15.6.1: Starman dies, its client gets nothing'],
    never       => [{status => ['', 500], end => [qw(cut closed)]}, 'PSGI 1.1, psgi.nonblocking is false: it must answer before it returns'],
    double      => [{end => [qw(kept closed)], stray => ['HTTP/1.1 200 OK\x0d\x0aContent-Type: text/plain\x0d\x0aTransfer-Encoding: chunked\x0d\x0aDate: now\x0d\x0aConnection: keep-alive\x0d\x0a\x0d\x0a1\x0d\x0a2\x0d\x0a0\x0d\x0a\x0d\x0a', '']}, 'RFC 9110 section 15: one final response a request'],
    'HEAD double' => [{end => [qw(kept closed)]}, 'RFC 9110 section 15: one final response a request'],
    code        => [{status => ['', 200], end => [qw(cut kept)]}, 'PSGI 1.1, Delayed Response: Lint takes objects that are called like code for code'],
    streamopen  => [{status => ['', 200], end => [qw(cut kept)]}, 'RFC 9112 section 7.1: the last chunk; nobody can write any more'],
    'HEAD streamopen' => [{}, ''],
    '204body'   => [{stray => ['content', '']}, 'RFC 9110 section 15.3.5: no content with 204'],
    '204length' => [{framing => [7, 'none']}, 'RFC 9110 section 8.6: no Content-Length with 204'],
    '304length' => [{framing => [7, 'none']}, 'RFC 9110 section 8.6: optional with 304; PSGI 1.1, Headers: there must be none'],
    '205body'   => [{body => ['content', '']}, 'RFC 9110 section 15.3.6: no content with 205'],
    'HEAD 205body' => [{}, ''],
    long        => [{stray => ['def', '']}, 'RFC 9110 section 8.6: as many octets as Content-Length says'],
    none        => [{stray => ['abc', '']}, 'RFC 9110 section 8.6: as many octets as Content-Length says'],
    close       => [{end => [qw(kept closed)]}, 'RFC 9112 section 9.6: the close option of a response; Starman drops it'],
    closecase   => [{end => [qw(kept closed)]}, 'RFC 9110 sections 5.1 and 7.6.1: names and options in any case'],
    # The request
    'POST of nothing'         => [{}, ''],
    'chunked POST of nothing' => [{body => ['0 d41d8cd98f00b204e9800998ecf8427e 0 none plain', '0 d41d8cd98f00b204e9800998ecf8427e 0 0 plain']}, 'RFC 9112 section 7.1.3: decoded, its Content-Length is the length'],
    'both lengths'            => [{status => [200, 400], end => [qw(kept closed)]}, 'RFC 9112 section 6.1: a server may reject both together'],
    'pipelined POST'          => [{status => [200, '200 | 200'], end => [qw(cut kept)]}, 'RFC 9112 section 9.3.2: all are answered, in their order; Starman drops it'],
    'GET behind a POST'       => [{status => [200, '200 | 200'], end => [qw(cut kept)]}, 'RFC 9112 section 9.3.2: all are answered, in their order; Starman drops it'],
    'asked to close, in a list' => [{end => [qw(kept closed)]}, 'RFC 9110 section 7.6.1: Connection is a list'],
    'env cookies'    => [{body => environment('HTTP_COOKIE=a=1, b=2', 'HTTP_COOKIE=a=1; b=2')}, 'RFC 9113 section 8.2.3: cookies are joined by "; "'],
    'env underscore' => [{body => environment('HTTP_X_UNDER=evil', '')}, 'RFC 9110 section 17.10 (CGI): it could be mistaken for X-Under'],
    'env proxy'      => [{body => environment('HTTP_PROXY=evil', '')}, 'RFC 9110 section 17.10 (CGI): HTTP_PROXY is an option of clients'],
    'env absolute'   => [{body => environment(undef, undef, 'http://a/env', '/env', 'q', 'http://a/env?q', '/env?q')}, 'PSGI 1.1, REQUEST_URI: without scheme and host; RFC 9112 section 3.2.2'],
    'env NUL'        => [{status => [200, 400], end => [qw(kept closed)]}, 'RFC 3986 section 7.3: %00 may be refused'],
    'env bare LF'    => [{status => [200, 400], end => [qw(kept closed)]}, 'RFC 9112 section 2.2: a bare LF may be taken for a line end, and need not'],
    'env folded'     => [{status => [200, 400], end => [qw(kept closed)]}, 'RFC 9112 section 5.2: rejected, or replaced by spaces'],
    'env other method' => [{status => [200, 501], end => [qw(kept closed)]}, 'RFC 9110 section 9.1: 501 for a method that is not implemented'],
    'input after a closed one' => [{body => ['x | cannot be read', 'x | can be read']}, 'PSGI 1.1, psgi.input: an input stream, each time; Starman has one for all'],
    extensions       => [{body => ['psgix.input.buffered psgix.io psgix.harakiri psgix.informational', 'psgix.input.buffered psgix.io psgix.cleanup psgix.harakiri psgix.informational psgix.logger']}, 'PSGI::Extensions: all are optional'],
);
# What /env lists, from Starman and from us, when a field or the form of the target made the difference.
sub environment {
    my ($field, $our_field, $path, $our_path, $query, $uri, $our_uri) = @_;
    my $list = sub {
        my ($first, $path, $uri) = @_;
        return ($first ? "$first " : '') . "PATH_INFO=$path QUERY_STRING=" . ($query // '')
            . " REQUEST_METHOD=GET REQUEST_URI=$uri SCRIPT_NAME= SERVER_NAME=127.0.0.1 SERVER_PROTOCOL=HTTP/1.1 ";
    };
    return [map { shown($_) } $list->($field, $path // '/env', $uri // '/env'), $list->($our_field, $our_path // '/env', $our_uri // '/env')];
}

# Replies

sub shown {
    my ($text) = @_;
    return length($text) . ' bytes ' . md5_hex($text) if length $text > 200;
    return $text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ger;
}

# More bytes from a socket. False at its end; when nothing comes for 5 s that is an end of its own.
sub more {
    my ($socket, $text) = @_;
    my $set = '';
    vec($set, fileno $socket, 1) = 1;
    my $ready = select my $readable = $set, undef, undef, 5;
    return 0 if $ready <= 0;
    return sysread $socket, $$text, 65536, length $$text;
}

# Takes one reply from the front of $$text. Nothing when it ends before its time.
sub take_reply {
    my ($socket, $text, $is_head) = @_;
    while ($$text !~ /\r\n\r\n/) { more($socket, $text) or return }
    $$text =~ s/\A(.*?)\r\n\r\n//s;
    my ($line, @fields) = split /\r\n/, $1;
    my ($status) = $line =~ m{\AHTTP/1\.[01] (\w+)} or return;
    return take_reply($socket, $text, $is_head) if $status =~ /\A1/ && $status ne '101';
    my %reply = (status => $status, body => '', headers => [], framing => 'none');
    my (%framing);
    for (@fields) {
        my ($name, $value) = /\A([^:]*):\s*(.*?)\s*\z/s;
        next if !defined $name; # a line that is no field
        if (lc($name) eq 'content-length' || lc($name) eq 'transfer-encoding') { $framing{lc $name} = lc $value }
        elsif (lc($name) !~ /\A(?:date|connection|keep-alive)\z/) { push @{ $reply{headers} }, "$name=$value" }
    }
    $reply{framing} = $framing{'transfer-encoding'} // $framing{'content-length'} // 'none';
    return \%reply if $is_head || $status =~ /\A(?:101|204|304)\z/;
    if (($framing{'transfer-encoding'} // '') eq 'chunked') {
        while (1) {
            while ($$text !~ /\A([0-9a-fA-F]+)\r\n/) { more($socket, $text) or return }
            $$text =~ s/\A([0-9a-fA-F]+)\r\n//;
            my $size = hex $1;
            while (length $$text < $size + 2) { more($socket, $text) or return }
            $reply{body} .= substr $$text, 0, $size;
            substr($$text, 0, $size + 2) = '';
            last if !$size;
        }
    }
    elsif (defined $framing{'content-length'} && $framing{'content-length'} =~ /\A\d+\z/) {
        while (length $$text < $framing{'content-length'}) { more($socket, $text) or return }
        $reply{body} = substr $$text, 0, $framing{'content-length'}, '';
    }
    else {
        1 while more($socket, $text);
        ($reply{body}, $$text) = ($$text, '');
    }
    return \%reply;
}

# What one server makes of one question.
sub answer {
    my ($server, $bytes, $replies, $later) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = connect_to($port{$server});
    my $is_head = $bytes =~ /\AHEAD /;
    my ($text, @replies, $cut) = ('');
    syswrite $socket, $bytes;
    if (defined $later) { # once the server has said that it wants it
        while ($text !~ /\r\n\r\n/) { more($socket, \$text) or last }
        syswrite $socket, $later;
    }
    for (1 .. $replies // 1) {
        my $reply = take_reply($socket, \$text, $is_head) or do { $cut = 1; last };
        push @replies, $reply;
    }
    my $pong;
    if (!$cut) {
        syswrite $socket, "GET /ping HTTP/1.1\r\n${host}Connection: close\r\n\r\n";
        1 while more($socket, \$text);
        $pong = $text =~ s/HTTP\/1\.1 200 OK\r\n(?:(?!HTTP\/1).)*pong(?:\r\n0\r\n\r\n)?\z//s;
    }
    my $all = sub { my ($what) = @_; join ' | ', map { $what->($_) } @replies };
    return {
        status  => $all->(sub { $_[0]{status} }),
        headers => $all->(sub { $_[0]{status} !~ /^[123]/ ? '' : shown(join ' ', @{ $_[0]{headers} }) }),
        body    => $all->(sub { $_[0]{status} !~ /^[123]/ ? '' : shown($_[0]{body}) }),
        framing => $is_head || $all->(sub { $_[0]{status} }) =~ /\A[23]04\z/ ? $all->(sub { $_[0]{framing} }) : '',
        end     => $cut ? 'cut' : $pong ? 'kept' : 'closed',
        stray   => $cut ? '' : shown($text =~ s/^Date: .*? GMT/Date: now/mr),
    };
}

# Servers

my $master = fork // die "fork: $!";
if (!$master) {
    setpgrp;
    open STDIN,  '<', '/dev/null'        or die;
    open STDOUT, '>', "$dir/starman.log" or die;
    open STDERR, '>&', \*STDOUT          or die;
    exec $starman, '--workers', 1, '--listen', "127.0.0.1:$port{starman}", '--env', 'deployment', $application
        or POSIX::_exit(1);
}
my $owner = $$;
END {
    if ($master && $$ == $owner) {
        my $code = $?;
        kill 'KILL', -$master; # its workers are of its group
        waitpid $master, 0;
        $? = $code;
    }
}
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port{mpsup}", app: app.psgi, pool: 1, health: {path: /ping, every: 60s}}
YAML
wait_until(20, 'Starman answers', sub { eval { answer('starman', "GET /array HTTP/1.1\r\n$host\r\n")->{body} eq 'ab0' } });

# The test

note 'Starman ', `$^X -MStarman -e 'print Starman->VERSION'`;
my $contents_of_heads = 0;
my %of_get;
for my $name (sort { ($a =~ /^HEAD/) <=> ($b =~ /^HEAD/) || $a cmp $b } keys %question) {
    my ($get) = $name =~ /\AHEAD (.*)/;
    my %answer = map { $_ => answer($_, @{ $question{$name} }) } qw(starman mpsup);
    my @aspects = $answer{starman}{status} ne $answer{mpsup}{status} ? 'end' : $get ? qw(headers end) : qw(headers body framing end stray);
    my %found = map { $_ => [$answer{starman}{$_}, $answer{mpsup}{$_}] } grep { $answer{starman}{$_} ne $answer{mpsup}{$_} } 'status', @aspects;
    my ($row) = grep { $_ } $difference{$name}, $get ? $difference{$get} : ();
    my %expected = %{ $row ? $row->[0] : {} };
    if ($get && !$difference{$name}) { delete @expected{qw(body framing stray)} }
    is_deeply \%found, \%expected, $name . (%expected ? ": not what Starman says ($row->[1])" : ': the same from both')
        or diag join '', map { sprintf "%s %s: Starman <%s>, mpsup <%s>\n", $name, $_, @{ $found{$_} } } sort keys %found;
    undef $TODO;
    $of_get{$name} = $answer{mpsup};
    next if !$get;
    ++$contents_of_heads if $answer{starman}{stray} ne '';
    is_deeply [@{ $answer{mpsup} }{qw(status headers end stray)}], [@{ $of_get{$get} }{qw(status headers end)}, ''],
        '  and HEAD says what GET says, without content' if $get !~ /^(?:short|twolengths|dying|streamdie|streamwide)\z/; # cut within the content
}
ok $contents_of_heads, "Starman sends contents after HEAD ($contents_of_heads times), against RFC 9110 section 9.3.2; we never do";
my @unasked = grep { !$question{$_} } sort keys %difference;
is "@unasked", '', 'every row of the table is about something that was asked';
is $site->worker('app')->{restarts}{crash}, 0, 'no child of ours was lost on the way';

done_testing;
