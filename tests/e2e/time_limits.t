# Requests that take too long: written down while they run, interrupted in Perl, killed in C.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request connect_to wait_until);
use Test::More;
use Time::HiRes qw(sleep);

my $site = new_site();
my %port = map { $_ => free_port() } qw(soft hard both slow);
$site->write('app.psgi', <<'APP');
use strict; use warnings;
use POSIX ();
package Costly { sub new { bless {} } sub DESTROY { Waiting::in_perl() } }
package Waiting {
    sub in_c    { POSIX::pause() while !-e $ENV{RELEASE} }
    sub in_perl { select undef, undef, undef, 0.01 while !-e $ENV{RELEASE} }
}
package main;
my $sub_of_no_name = sub { Waiting::in_perl() };
sub deep { my ($n) = @_; return $n ? deep($n - 1) : Waiting::in_perl() }
sub by_sort { my @sorted = sort { Waiting::in_perl(); $a <=> $b } 2, 1; return }
sub by_regex { 'a' =~ /a(?{ Waiting::in_perl() })/; return }
sub by_eval { eval { eval { Waiting::in_perl(); 1 } or die $@; 1 } or die $@; return }
sub by_text { eval "#line 7 \"made.pl\"\nWaiting::in_perl(); 1" or die $@; return }
sub by_map { my @list = map { Waiting::in_perl(); $_ } 1; return }
sub by_destroy { my $object = Costly->new; undef $object; return }
sub catastrophe { return ('a' x 60 . 'b') =~ /\A((?:a|aa)+)+\1?\z(?<!b)/ }
my %page = (
    '/'        => sub { },
    '/spin'    => sub { 1 while 1 },
    '/sleep'   => sub { sleep 100 },
    '/usleep'  => sub { select undef, undef, undef, 100 },
    '/pause'   => sub { POSIX::pause() while 1 },
    '/masked'  => sub { local @SIG{ keys %SIG } = ('IGNORE') x keys %SIG; POSIX::pause() while 1 },
    '/blocked' => sub { my $all = POSIX::SigSet->new; $all->fillset; POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all); POSIX::pause() while 1 },
    '/regex'   => \&catastrophe,
    '/caught'  => sub { while (1) { eval { 1 while 1 } } },
    '/system'  => sub { system 'sleep', 6 },
    '/c'       => \&Waiting::in_c,
    '/anon'    => $sub_of_no_name,
    '/deep'    => sub { deep(500) },
    map { ("/by_$_" => main->can("by_$_")) } qw(sort regex eval text map destroy),
);
sub {
    my $env = shift;
    $page{ $env->{PATH_INFO} }->();
    [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
}
APP
my $release = $site->dir . '/release';
my $common  = qq{kind: dynamic, app: app.psgi, health: {path: /, every: 60s}, env: {RELEASE: "$release"}};
$site->must('up', $site->topology(<<"YAML"));
  soft: {$common, listen: "127.0.0.1:$port{soft}", pool: 1, request_timeout: {soft: 300ms, hard: 60s}}
  hard: {$common, listen: "127.0.0.1:$port{hard}", pool: 10, request_timeout: 2s}
  both: {$common, listen: "127.0.0.1:$port{both}", pool: 2, request_timeout: {soft: 300ms, hard: 2s}}
  slow: {$common, listen: "127.0.0.1:$port{slow}", pool: 12, slow: 50ms}
YAML

sub send_request { my ($name, $path) = @_; my $s = connect_to($port{$name}); syswrite $s, "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"; return $s }
sub slow_requests { return @{ decode_json($site->must('slow', '-n', 1000, '-o', 'json'))->{slow} } }

subtest 'the soft limit' => sub {
    my ($pid) = $site->pids('soft', 'child');
    for my $path (qw(/spin /sleep /usleep /by_sort /by_eval /pause)) {
        is request($port{soft}, $path)->{status}, 503, "$path is answered 503";
    }
    is request($port{soft}, '/')->{body}, "$pid\n", 'by a child that lives on';
    like $site->log_of('soft'), qr/"GET \/spin HTTP\/1\.1": the request took longer than request_timeout allows/, 'which the log says';
};

subtest 'the hard limit' => sub {
    my @paths = qw(/pause /masked /blocked /regex /caught /system);
    my (%socket, %pid);
    for my $path (@paths) { # one after the other: two on their way at once may come to the same child
        $socket{$path} = send_request('hard', $path);
        $pid{$path} = wait_until(5, "$path runs", sub { (map { $_->{pid} } grep { $_->{request} && $_->{request}{uri} eq $path } @{ $site->worker('hard')->{processes} })[0] });
    }
    for my $path (@paths) {
        is Mpsup::Test::read_reply($socket{$path}), undef, "$path: its client sees the end";
        my $event = wait_until(5, "$path: an event", sub { (grep { $_->{pid} == $pid{$path} && $_->{event} eq 'child_exited' } $site->events)[0] });
        is $event->{signal}, 9, '  the child was killed';
        like $event->{reason}, qr/\Arequest_timeout: GET \Q$path\E had been running for \d\.\d s\z/, '  and the event says for what';
    }
    wait_until(10, 'ten again', sub { $site->worker('hard')->{ready} == 10 });
    is request($port{hard}, '/')->{status}, 200, 'the others serve';
};

subtest 'both' => sub {
    is request($port{both}, '/spin')->{status}, 503, 'what can die in Perl does';
    my ($pid) = map { $_ + 0 } request($port{both}, '/')->{body};
    my $socket = send_request('both', '/caught');
    is Mpsup::Test::read_reply($socket), undef, 'what catches that is killed';
    my $event = wait_until(5, 'an event', sub { (grep { $_->{worker} eq 'both' && $_->{event} eq 'child_exited' } $site->events)[0] });
    like $event->{reason}, qr{request_timeout: GET /caught}, 'for the same reason';
};

subtest 'idle children are not killed' => sub {
    my @before = sort $site->pids('hard', 'child');
    request($port{hard}, '/') for 1 .. 20;
    sleep 3; # longer than the limit and all that is added to it
    is_deeply [sort $site->pids('hard', 'child')], \@before, 'however long they have nothing to do';
};

subtest 'the stack of a slow request' => sub {
    my %innermost = (
        '/c'          => [qr{app\.psgi:5 Waiting::in_c\z}],
        '/anon'       => [qr{app\.psgi:6 Waiting::in_perl\z}, qr{app\.psgi:9 main::__ANON__\z|app\.psgi:9 Plack::Sandbox::\w+::__ANON__\z}],
        '/by_sort'    => [qr{in_perl\z}, qr{app\.psgi:11 \S*by_sort\z}],
        '/by_regex'   => [qr{in_perl\z}, qr{app\.psgi:12 \S*by_regex\z}],
        '/by_eval'    => [qr{in_perl\z}, qr{app\.psgi:13 \S*by_eval\z}],
        '/by_text'    => [qr{in_perl\z}, qr{made\.pl:7 \S*by_text\z}],
        '/by_map'     => [qr{in_perl\z}, qr{app\.psgi:15 \S*by_map\z}],
        '/by_destroy' => [qr{in_perl\z}, qr{app\.psgi:3 Costly::DESTROY\z}, qr{app\.psgi:16 \S*by_destroy\z}],
        '/deep'       => [qr{in_perl\z}, (qr{app\.psgi:10 \S*deep\z}) x 30],
    );
    my (%socket, %slow);
    for my $path (sort keys %innermost) { # one after the other: two on their way at once may come to the same child
        $socket{$path} = send_request('slow', $path);
        wait_until(5, "$path runs", sub { grep { $_->{request} && $_->{request}{uri} eq $path } @{ $site->worker('slow')->{processes} } });
    }
    wait_until(8, 'all are on record while they run', sub { %slow = map { $_->{uri} => $_ } slow_requests(); keys %slow == keys %innermost });
    Mpsup::Test::write_file($release, '');
    for my $path (sort keys %innermost) {
        my @frames = @{ $slow{$path}{frames} };
        my @wanted = @{ $innermost{$path} };
        my $fits   = grep { ($frames[$_] // '') =~ $wanted[$_] } 0 .. $#wanted;
        is $fits, @wanted, "$path: where it is" or diag join "\n", @frames[0 .. ($#frames > 5 ? 5 : $#frames)];
        is $slow{$path}{method}, 'GET', '  its method';
        cmp_ok $slow{$path}{age_ms}, '>=', 50, '  and its age';
        if ($path eq '/c') { kill 'KILL', $slow{$path}{pid} } # pause(2) waits for a signal that has a handler
        else               { is Mpsup::Test::read_reply($socket{$path})->{status}, 200, '  and it is answered' }
    }
    like $site->log_of('slow') . Mpsup::Test::read_file("$site->{state}/test/log/supervisor.log"), qr{slow request, GET /by_eval, pid \d+, running for \d+ ms, at\n +\S+app\.psgi:6 Waiting::in_perl\n}, 'the log has it too';
};

subtest 'mpsup slow' => sub {
    unlink $release;
    my @sockets = map { send_request('slow', '/by_map') } 1 .. 2;
    wait_until(5, 'both are on record', sub { 3 == grep { $_->{uri} eq '/by_map' } slow_requests() });
    Mpsup::Test::write_file($release, '');
    Mpsup::Test::read_reply($_) for @sockets;
    my @groups = @{ decode_json($site->must('slow', '--top', '-n', 100, '-o', 'json'))->{groups} };
    my ($map)  = grep { $_->{latest}{uri} eq '/by_map' } @groups;
    is $map->{count}, 3, 'those at the same place are one group';
    like $map->{fingerprint}, qr/\A[0-9a-f]{16}\z/, 'which has a name';
    my %seen;
    ++$seen{ $_->{fingerprint} } for @groups;
    cmp_ok scalar(keys %seen), '>=', 9, 'others are others';
    like $site->must('slow', 'slow'), qr{GET /by_map\n +\S+:6 Waiting::in_perl}, 'for people: where it was';
};

subtest 'what runs now' => sub {
    unlink $release;
    my $socket = send_request('slow', '/anon');
    my ($busy) = @{ wait_until(5, 'it is busy', sub { my @found = grep { $_->{request} && $_->{request}{age_ms} > 20 } @{ $site->worker('slow')->{processes} }; @found ? \@found : undef }) };
    is $busy->{request}{uri}, '/anon', 'the URI of the request in hand';
    is $busy->{request}{method}, 'GET', 'its method';
    cmp_ok $busy->{request}{age_ms}, '<', 60_000, 'its age';
    my ($line) = grep { /^slow +$busy->{pid} / } split /\n/, ($site->mpsup('workers'))[1];
    like $line, qr{ busy .* \d+s +GET /anon\z}, 'for people too';
    Mpsup::Test::write_file($release, '');
    is Mpsup::Test::read_reply($socket)->{status}, 200, 'it was not asked';
    wait_until(5, 'idle again', sub { !grep { $_->{request} } @{ $site->worker('slow')->{processes} } });
};

done_testing;
