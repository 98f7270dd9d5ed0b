# What applications do, well or badly, and what clients get for it.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until);
use Test::More;

my $site = new_site();
my $port = free_port();
my $dir  = $site->dir;
$site->write('page.txt', join '', map { "line $_\n" } 1 .. 20_000);
$site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict; use warnings;
my @ok = (200, ['Content-Type' => 'text/plain']);
package Lines { sub new { bless [@_[1 .. $#_]] } sub getline { shift @{ $_[0] } } sub close { $main::closed++ } }
package Dying { sub new { bless {} } sub getline { $_[0]{n}++ ? die "in the middle\n" : "first\n" } sub close { $main::closed++ } }
package Text { use overload '""' => sub { "overloaded caf\xe9" }, fallback => 1; sub new { bless [] } }
package main;
our $closed = 0;
my %page = (
    '/array'    => sub { [@ok, ['a', '', 'b', '0']] },
    '/empty'    => sub { [@ok, []] },
    '/latin1'   => sub { my $text = "caf\xe9"; utf8::upgrade($text); [@ok, [$text]] },
    '/wide'     => sub { [@ok, ["before", "\x{263a}"]] },
    '/overload' => sub { [@ok, [Text->new]] },
    '/crlf'     => sub { [200, ['Content-Type' => 'text/plain', 'X-A' => "a\r\nX-Evil: 1"], ['x']] },
    '/badname'  => sub { [200, ['X A' => 'b'], ['x']] },
    '/badstatus' => sub { ['abc', [], ['x']] },
    '/odd'      => sub { [200, ['Content-Type'], ['x']] },
    '/undef'    => sub { undef },
    '/string'   => sub { 'hello' },
    '/204'      => sub { [204, [], []] },
    '/304'      => sub { [304, ['ETag' => '"a"'], []] },
    '/twice'    => sub { [200, ['Content-Type' => 'text/plain', 'Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2'], ['x']] },
    '/short'    => sub { [200, ['Content-Length' => 10], ['abc']] },
    '/long'     => sub { [200, ['Content-Length' => 3], ['abcdef']] },
    '/close'    => sub { [200, ['CoNNection' => 'Close'], ['x']] },
    '/te'       => sub { [200, ['Transfer-Encoding' => 'chunked', 'Content-Type' => 'text/plain'], ['x']] },
    '/file'     => sub { open my $fh, '<', 'DIR/page.txt' or die; [@ok, $fh] },
    '/seek'     => sub { open my $fh, '<', 'DIR/page.txt' or die; seek $fh, 100, 0; [@ok, $fh] },
    '/line'     => sub { open my $fh, '<', 'DIR/page.txt' or die; my $first = <$fh>; [@ok, $fh] },
    '/layer'    => sub { open my $fh, '<:crlf', 'DIR/page.txt' or die; [@ok, $fh] },
    '/memory'   => sub { open my $fh, '<', \"in memory\n"; [@ok, $fh] },
    '/lines'    => sub { [@ok, Lines->new("one\n", '', "two\n")] },
    '/dying'    => sub { [@ok, Dying->new] },
    '/closed'   => sub { [@ok, ["$closed"]] },
    '/separator' => sub { [@ok, [$/ eq "\n" ? 'newline' : 'changed']] },
    '/delayed'  => sub { sub { $_[0]->([@ok, ['later']]) } },
    '/stream'   => sub { sub { my $w = $_[0]->([@ok]); $w->write("part $_\n") for 1 .. 3; $w->close } },
    '/stream-die' => sub { sub { my $w = $_[0]->([@ok]); $w->write("part\n"); die "in the stream\n" } },
    '/never'    => sub { sub { } },
    '/double'   => sub { sub { $_[0]->([@ok, ['1']]); $_[0]->([@ok, ['2']]) } },
    '/copy'     => sub { my %copy = %{ $_[0] }; [@ok, [ref $copy{'psgix.io'}]] },
    '/hand'     => sub { my $io = $_[0]{'psgix.io'}; sub { print $io "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc "; print $io scalar <$io>; close $io } },
    '/peer'     => sub { my $io = $_[0]{'psgix.io'}; [@ok, [$io->blocking . ' ' . length getpeername $io]] },
    '/late'     => sub { push @main::kept, $_[0]{'psgix.io'}; [@ok, [@main::kept > 1 ? fileno $main::kept[0] : 'kept']] },
    '/inputs'   => sub { my $in = $_[0]{'psgi.input'}; my $read = $in->read(my $some, 9); seek $in, 5, 0; binmode $in, ':utf8' if $_[0]{QUERY_STRING}; my $at = tell $in; close $in if $_[0]{QUERY_STRING} eq 'close'; [@ok, ["$read $at"]] },
    '/input'    => sub { my $in = $_[0]{'psgi.input'}; [@ok, [join ' ', tell $in, ref $in, PerlIO::get_layers($in)]] },
    '/big'      => sub { sub { my $w = $_[0]->([@ok]); $w->write('x' x 65536) or last for 1 .. 800; $w->close } },
    '/die'      => sub { die "no luck\n" },
    '/exit'     => sub { exit 3 },
    '/sig'      => sub { local @SIG{ keys %SIG } = ('DEFAULT') x keys %SIG; [@ok, ['x']] },
    '/perl'     => sub { [@ok, [scalar qx{$^X -e 'print 6*7'}]] },
    '/system'   => sub { my $r = system 'true'; [@ok, ["$r $?"]] },
    '/rand'     => sub { [@ok, ["$$ " . rand]] },
    '/pid'      => sub { [@ok, ["$$ " . getppid]] },
    '/fork'     => sub { my $pid = fork; if (defined $pid && !$pid) { exit 0 } waitpid $pid, 0; [@ok, ["status $?"]] },
    '/fork-return' => sub { my $pid = fork; return [@ok, ['from a fork']] if defined $pid && !$pid; waitpid $pid, 0; [@ok, ['parent']] },
    '/echo'     => sub { my $in = $_[0]{'psgi.input'}; my $b = ''; 1 while $in->read($b, 100_000, length $b);
                         $in->seek(0, 0); my $first = <$in> // ''; [@ok, [length($b), ' ', Digest::MD5::md5_hex($b), ' ', length $first, ' ', $_[0]{CONTENT_LENGTH} // 'none']] },
    '/env'      => sub { my $e = $_[0]; [@ok, [map { "$_=" . (defined $e->{$_} ? $e->{$_} : 'undef') . "\n" } sort grep { !/^psgi/ } keys %$e]] },
    '/psgi'     => sub { my $e = $_[0]; $e->{'psgi.run_once'} = 5; [@ok, [join ',', @{ $e->{'psgi.version'} }, map { $e->{"psgi.$_"} } qw(url_scheme multithread multiprocess nonblocking streaming)]] },
    '/errors'   => sub { $_[0]{'psgi.errors'}->print("to the log\n"); [@ok, ['x']] },
);
use Digest::MD5 ();
sub { my $env = shift; my $page = $page{ $env->{PATH_INFO} }; $page ? $page->($env) : $env->{PATH_INFO} =~ /^.env/ ? $page{'/env'}->($env) : [404, [], []] };
APP
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 1, health: {path: /pid, every: 60s}}
YAML

sub get { return request($port, @_) // {status => 0, body => '', headers => {}} }
sub body_is { my ($path, $body) = @_; is get($path)->{body}, $body, $path }
sub is_500 { my ($path, $why) = @_; is get($path)->{status}, 500, "$path is refused with 500"; like $site->log_of('app'), $why, '  and the log says why' }

my $whole = Mpsup::Test::read_file("$dir/page.txt");
body_is '/array', 'ab0';
body_is '/empty', '';
body_is '/latin1', "caf\xe9";
body_is '/overload', "overloaded caf\xe9";
is_500 '/wide', qr/wide character in the body/;
is_500 '/crlf', qr/control character in the value of a header/;
is_500 '/badname', qr/name of a header is no token/;
is_500 '/badstatus', qr/status of a response/;
is_500 '/odd', qr/pairs of name and value/;
is_500 '/undef', qr/a response is an array reference/;
is_500 '/string', qr/a response is an array reference/;
is_500 '/die', qr/no luck/;
is_500 '/exit', qr/the application called exit/;
is_500 '/never', qr/returned without having responded/;
is get('/204')->{status}, 204, '/204';
ok !exists get('/204')->{headers}{'content-length'}, '  has no Content-Length';
is get('/304')->{status}, 304, '/304';
is get('/array', method => 'HEAD')->{headers}{'content-length'}, 3, 'HEAD has the length and no body';
like exchange(connect_to($port), "GET /twice HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")->{headers}{'set-cookie'}, qr/b=2/, 'fields may repeat';
ok !defined request($port, '/short'), 'a body shorter than its Content-Length is no whole reply';
body_is '/long', 'abc';
like get('/close')->{headers}{connection}, qr/close/i, '/close hangs up';
ok !exists get('/te')->{headers}{'transfer-encoding'}, "/te: framing is the server's";
body_is '/file', $whole;
body_is '/seek', substr($whole, 100);
body_is '/line', substr($whole, length "line 1\n");
body_is '/layer', $whole;
body_is '/memory', "in memory\n";
body_is '/lines', "one\ntwo\n";
ok !defined request($port, '/dying'), 'a body that dies on the way is no whole reply';
body_is '/closed', 2;
body_is '/separator', 'newline';
body_is '/delayed', 'later';
body_is '/stream', "part 1\npart 2\npart 3\n";
ok !defined request($port, '/stream-die'), 'a stream that dies is no whole reply';
is get('/double')->{status}, 200, 'a second response';
ok eval { wait_until(3, 'the note', sub { $site->log_of('app') =~ /responder was called twice/ }) }, '  is noted, after the reply';
body_is '/sig', 'x';
body_is '/perl', '42';
body_is '/system', '0 0';
body_is '/fork', 'status 0';
body_is '/fork-return', 'parent';
is get('/psgi')->{body}, '1,1,http,0,1,0,1', 'psgi.* keys';
is get('/psgi')->{body}, '1,1,http,0,1,0,1', '  and they are fresh each time';
get('/errors');
like $site->log_of('app'), qr/to the log/, 'psgi.errors is the log';

subtest 'what the application is told' => sub {
    my $env = exchange(connect_to($port), "GET /env%20x%41//y?a=1&b=%20 HTTP/1.1\r\nHost: me:80\r\nConnection: close\r\n"
        . "X-Two: a\r\nX-Two: b\r\nCookie: a=1\r\nCookie: b=2\r\nProxy: evil\r\nX_Under: evil\r\nContent-Type: text/x\r\n\r\n")->{body};
    like $env, qr/^PATH_INFO=\/env xA\/\/y$/m, 'PATH_INFO is decoded once';
    like $env, qr/^REQUEST_URI=\/env%20x%41\/\/y\?a=1&b=%20$/m, 'REQUEST_URI is raw';
    like $env, qr/^QUERY_STRING=a=1&b=%20$/m, 'QUERY_STRING';
    like $env, qr/^SCRIPT_NAME=$/m, 'SCRIPT_NAME is empty';
    like $env, qr/^HTTP_X_TWO=a, b$/m, 'repeated fields are joined';
    like $env, qr/^HTTP_COOKIE=a=1; b=2$/m, 'cookies by semicolon';
    like $env, qr/^CONTENT_TYPE=text\/x$/m, 'CONTENT_TYPE';
    unlike $env, qr/HTTP_CONTENT_TYPE|CONTENT_LENGTH|evil/, 'and nothing that could be mistaken';
    like $env, qr/^SERVER_PORT=$port$/m, 'SERVER_PORT';
    like $env, qr/^REMOTE_ADDR=127\.0\.0\.1$/m, 'REMOTE_ADDR';
};

subtest 'request bodies' => sub {
    for my $size (0, 1, 1000, 1024 * 1024, 3 * 1024 * 1024 + 17) {
        my $body = join '', map { chr(65 + $_ % 26) } 1 .. $size;
        my $got = get('/echo', method => 'POST', body => $body)->{body};
        is $got, "$size " . md5_hex($body) . " $size " . ($size || 'none'), "$size bytes, read twice";
    }
    my $chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    is exchange(connect_to($port), $chunked)->{body}, '11 ' . md5_hex('hello world') . ' 11 11', 'chunked, with a length of its own';
    my $socket = connect_to($port);
    my $reply = exchange($socket, "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    is $reply->{body}, '5 ' . md5_hex('hello') . ' 5 5', 'Expect: 100-continue';
};

subtest 'several requests on one connection' => sub {
    my $socket = connect_to($port);
    my $buffer = '';
    syswrite $socket, "GET /array HTTP/1.1\r\nHost: a\r\n\r\n" x 3;
    for my $n (1 .. 3) { is Mpsup::Test::read_reply($socket, 'GET', \$buffer)->{body}, 'ab0', "pipelined, number $n" }
    is exchange($socket, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")->{body}, '2 ' . md5_hex('hi') . ' 2 2', 'and one more';
};

subtest 'psgix.io' => sub {
    my $socket = connect_to($port);
    my $buffer = '';
    syswrite $socket, "GET /copy HTTP/1.1\r\nHost: a\r\n\r\nGET /hand HTTP/1.1\r\nHost: a\r\n\r\nmore\n";
    is Mpsup::Test::read_reply($socket, 'GET', \$buffer)->{body}, 'IO::Socket', 'a copy of the environment costs the connection nothing';
    is Mpsup::Test::read_reply($socket, 'GET', \$buffer)->{body}, "abc more\n", 'its own reply, and what the client had sent ahead';
    is get('/peer')->{body}, '1 16', 'it is the socket';
    get('/late');
    is get('/late')->{body}, '-1', 'after its request it is nothing';
};

subtest 'the handle of an empty body is fresh each time' => sub {
    my $fresh = get('/input')->{body};
    like $fresh, qr/\A0 IO::File /, 'at its beginning';
    for my $query ('', '?utf8', '?close') {
        like get("/inputs$query")->{body}, qr/\A0 /, "read, moved$query";
        is get('/input')->{body}, $fresh, 'and the next one is as the first';
    }
};

subtest 'an idle or slow client holds nobody up' => sub {
    my @idle = map { my $s = connect_to($port); syswrite $s, "GET /array HTTP/1.1\r\nHo"; $s } 1 .. 20;
    is get('/array')->{body}, 'ab0', 'a pool of one serves beside twenty unfinished requests';
};

is +(split ' ', get('/pid')->{body})[1], ($site->pids('app', 'master'))[0], "the parent of a child is its master";
is $site->worker('app')->{restarts}{crash}, 0, 'all of that cost no child';

subtest 'children draw numbers of their own' => sub {
    $site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 3, health: {path: /pid, every: 60s}}
YAML
    my %number;
    for (1 .. 60) { my ($pid, $number) = split ' ', get('/rand')->{body}; $number{$pid} //= $number; last if keys %number > 1 }
    my @children = $site->pids('app', 'child');
    if (keys %number < 2) { kill 'KILL', keys %number; wait_until(5, 'another', sub { my ($pid, $n) = split ' ', get('/rand')->{body}; $number{$pid} //= $n; keys %number > 1 }) }
    my %seen; ++$seen{$_} for values %number;
    is scalar(keys %seen), scalar(keys %number), 'no two alike';
};

# On a machine that is busy with other things a child may sleep through one round of clients, and not through most.
sub each_has_some {
    my ($clients_of_a_round) = @_;
    my $even = 0;
    for (1 .. 15) {
        my %clients;
        ++$clients{$_} for $clients_of_a_round->();
        ++$even if keys %clients == 3;
    }
    return cmp_ok $even, '>=', 8, 'each has some, in most rounds';
}

subtest 'clients that take their time do not gather with one child' => sub {
    each_has_some(sub {
        my @sockets = map { my $s = connect_to($port); request($port, '/'); $s } 1 .. 9; # whoever is idle is awake by now
        return map { exchange($_, "GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")->{body} } @sockets;
    });
};

subtest 'connections that stay are spread over the children' => sub {
    each_has_some(sub {
        my @sockets;
        return map { push @sockets, connect_to($port); exchange($sockets[-1], "GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")->{body} } 1 .. 9;
    });
};

subtest 'a client that hardly reads' => sub {
    my $busy = sub { scalar grep { $_->{role} eq 'child' && $_->{request} } @{ $site->worker('app')->{processes} } };
    my $some = connect_to($port);
    syswrite $some, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";
    my $much = connect_to($port);
    syswrite $much, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    sysread $much, my $byte, 1;
    wait_until(5, 'one child is held, by what the kernel does not take', sub { $busy->() == 1 });
    is get('/array')->{body}, 'ab0', 'others are served' for 1 .. 5;
    is $busy->(), 1, 'it is one child';
    close $much;
    wait_until(5, 'it is free when the client is gone', sub { $busy->() == 0 });
    like exchange($some, "GET /array HTTP/1.1\r\nHost: a\r\n\r\n")->{body}, qr/\Aline 1$/m, 'the smaller reply was waiting';
};

subtest 'SIGTERM to a child' => sub {
    my ($child) = $site->pids('app', 'child');
    kill 'TERM', $child;
    wait_until(5, 'it leaves', sub { !grep { $_ == $child } $site->pids('app', 'child') });
    my $event = wait_until(3, 'its event', sub { (grep { $_->{pid} == $child && $_->{event} eq 'child_exited' } $site->events)[0] });
    is $event->{exit_code}, 0, 'it finished and left by itself';
    wait_until(5, 'the pool is whole again', sub { $site->worker('app')->{ready} == 3 });
};

done_testing;
