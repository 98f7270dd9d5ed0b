# The extensions of PSGI that this server has.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until read_file);
use Test::More;

my $site = new_site();
my $port = free_port();
my $dir  = $site->dir;
$site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict; use warnings; use Socket ();
my @ok = (200, ['Content-Type' => 'text/plain']);
my $note = sub { open my $out, '>>', 'DIR/notes' or die; print {$out} "@_\n"; close $out };
package Held { sub new { bless [$_[1]] } sub DESTROY { $_[0][0]->('destroyed') } }
package main;
my %page = (
    '/'        => sub { [@ok, ["$$\n"]] },
    '/has'     => sub { my $env = shift; [@ok, [join ',', map { !!$env->{"psgix.$_"} ? $_ : "no $_" } qw(cleanup harakiri input.buffered logger informational)]] },
    '/io'      => sub { [@ok, [exists $_[0]{'psgix.io'} ? 'there' : 'not there']] },
    '/cleanup' => sub { my $env = shift; push @{ $env->{'psgix.cleanup.handlers'} },
                        sub { $note->('one', $_[0] == $env ? 'with env' : 'without', $_[0]{PATH_INFO}) },
                        sub { die "in a handler\n" },
                        sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { $note->('four, added by three') }; $note->('three') };
                        [@ok, ['x']] },
    '/late'    => sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { select undef, undef, undef, 0.01 until -e 'DIR/release' }; [@ok, ["$$\n"]] },
    '/left'    => sub { [@ok, [scalar @{ $_[0]{'psgix.cleanup.handlers'} }]] },
    '/holds'   => sub { $_[0]{'app.held'} = Held->new($note); push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { $note->('cleanup') }; [@ok, ['x']] },
    '/exits'   => sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { exit 3 }; [@ok, ["$$\n"]] },
    '/end'     => sub { $_[0]{'psgix.harakiri.commit'} = 1; [@ok, ["$$\n"]] },
    '/endlate' => sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { $_[0]{'psgix.harakiri.commit'} = 1 }; [@ok, ["$$\n"]] },
    '/log'     => sub { $_[0]{'psgix.logger'}->({level => $_, message => "a message, $_"}) for qw(debug error); [@ok, ['x']] },
    '/hints'   => sub { my $env = shift; my $inform = $env->{'psgix.informational'} or return [@ok, ['none']];
                        $inform->(103, [Link => '</a.css>; rel=preload']); $inform->(103, [Link => '</b.js>; rel=preload', 'X-B' => 1]); [@ok, ['hinted']] },
    '/badhint' => sub { $_[0]{'psgix.informational'}->(103, ["X-A" => "a\r\nX-Evil: 1"]); [@ok, ['x']] },
    '/nohint'  => sub { $_[0]{'psgix.informational'}->(200, []); [@ok, ['x']] },
    '/input'   => sub { my $in = $_[0]{'psgi.input'}; local $/; my $first = <$in>; seek $in, 0, 0; my $second = <$in>; [@ok, [$first eq $second ? length $first : 'differs']] },
    '/socket'  => sub { my $io = $_[0]{'psgix.io'}; syswrite $io, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";
                        while (defined(my $line = <$io>)) { last if $line =~ /^bye/; print {$io} "echo $line" } close $io; [] },
    '/peer'    => sub { my $io = $_[0]{'psgix.io'}; [@ok, [(Socket::unpack_sockaddr_in(getpeername $io))[0] == $_[0]{REMOTE_PORT} ? 'peer' : 'another']] },
);
sub { my $env = shift; ($page{ $env->{PATH_INFO} } // sub { [404, [], []] })->($env) };
APP
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 2, health: {path: /, every: 60s}}
YAML
sub get { return request($port, @_) // {status => 0, body => '', headers => {}} }
sub notes { return [split /\n/, read_file("$dir/notes")] }
sub child_exit { my ($pid) = @_; return (grep { $_->{event} eq 'child_exited' && $_->{pid} == $pid } $site->events)[0] }

is get('/has')->{body}, 'cleanup,harakiri,input.buffered,logger,informational', 'what there is, says so';
is get('/io')->{body}, 'there', 'and psgix.io';

subtest 'psgix.cleanup' => sub {
    is get('/cleanup')->{body}, 'x', 'the reply first';
    wait_until(5, 'all have run', sub { @{ notes() } == 3 });
    is_deeply notes(), ['one with env /cleanup', 'three', 'four, added by three'], 'each, in order, with the environment, whatever one does';
    like $site->log_of('app'), qr/mpsup: psgix\.cleanup handler: in a handler/, 'what dies is complained of';
    is get('/left')->{body}, 0, 'the next request has none';
    unlink "$dir/notes";
    get('/holds');
    wait_until(5, 'both notes', sub { @{ notes() } == 2 });
    is_deeply notes(), ['cleanup', 'destroyed'], 'what the request held lives until they have run';
    my $pid = get('/exits')->{body} + 0;
    my %alive = map { get('/')->{body} + 0 => 1 } 1 .. 30;
    ok !child_exit($pid), 'exit ends a handler, and not the server';
};

subtest 'a client does not wait for them' => sub {
    my $pid = get('/late')->{body} + 0;
    ok $pid, 'it has its answer';
    my ($child) = grep { $_->{pid} == $pid } @{ $site->worker('app')->{processes} };
    is $child->{state}, 'busy', 'while the child is busy with them';
    is get('/')->{status}, 200, 'and another serves';
    Mpsup::Test::write_file("$dir/release", '');
    wait_until(5, 'idle again', sub { !grep { $_->{state} eq 'busy' } @{ $site->worker('app')->{processes} } });
};

subtest 'psgix.harakiri' => sub {
    for my $path (qw(/end /endlate)) {
        my $reply = get($path);
        is $reply->{status}, 200, "$path is answered";
        my $event = wait_until(5, 'it ended', sub { child_exit($reply->{body} + 0) });
        is $event->{exit_code}, 0, 'in order';
        like $event->{reason}, qr/psgix\.harakiri/, 'the event says why';
        wait_until(5, 'two again', sub { $site->worker('app')->{ready} == 2 });
    }
    is $site->worker('app')->{restarts}{crash}, 0, 'none of it is a crash';
};

subtest 'psgix.logger' => sub {
    get('/log');
    wait_until(5, 'it is in the log', sub { $site->log_of('app') =~ /^\[debug\] a message, debug\n\[error\] a message, error$/m });
    pass 'with its level';
};

subtest 'psgix.informational' => sub {
    my $socket = connect_to($port);
    syswrite $socket, "GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my $all = do { local $/; <$socket> };
    my @heads = $all =~ m{^HTTP/1\.1 (\d+)}mg;
    is_deeply \@heads, [103, 103, 200], 'two hints and the reply';
    like $all, qr{103 Early Hints\r\nLink: </a\.css>; rel=preload\r\n\r\n}, 'with its field and nothing else';
    like $all, qr/hinted\z/, 'which is whole';
    $socket = connect_to($port);
    syswrite $socket, "GET /hints HTTP/1.0\r\nHost: a\r\n\r\n";
    $all = do { local $/; <$socket> };
    unlike $all, qr/ 103 /, 'HTTP/1.0 knows no hints';
    like $all, qr/(?:none|hinted)\z/, 'and has its reply';
    is get($_)->{status}, 500, "$_: what is none is refused" for qw(/badhint /nohint);
    $socket = connect_to($port);
    is exchange($socket, "GET /hints HTTP/1.1\r\nHost: a\r\n\r\n")->{status}, 200, 'a connection that is kept';
    is exchange($socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")->{status}, 200, 'is good for the next';
};

subtest 'psgix.input.buffered' => sub {
    is get('/input', method => 'POST', body => 'a' x $_)->{body}, $_, "$_ bytes can be read twice" for 10, 3_000_000;
};

subtest 'psgix.io' => sub {
    is get('/peer')->{body}, 'peer', 'is the socket of the client';
    my $socket = connect_to($port);
    syswrite $socket, "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nsent early\n";
    my $line = <$socket>;
    like $line, qr/101 Switching/, 'an application may speak what it likes';
    1 while ($line = <$socket>) !~ /\A\r\n/;
    is scalar(<$socket>), "echo sent early\n", 'what came with the request is not lost';
    syswrite $socket, "hello\n";
    is scalar(<$socket>), "echo hello\n", 'both ways';
    syswrite $socket, "bye\n";
    is scalar(<$socket>), undef, 'until it ends it, and nothing of ours follows';
    is get('/')->{status}, 200, 'the child serves on';
    is $site->worker('app')->{restarts}{crash}, 0, 'unharmed';
};

done_testing;
