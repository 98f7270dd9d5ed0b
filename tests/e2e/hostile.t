# Applications that do what they should not: the pool answers others all the while, nothing hangs, no child is lost without an
# event, and what one request left behind is no trouble for the next. MPSUP_HOSTILE is how often each is asked (200).
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port connect_to wait_until read_file);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time);

my $times = $ENV{MPSUP_HOSTILE} // 200;
my $sanitized = Mpsup::Test::build_dir() =~ /asan|tsan/; # they catch SIGSEGV, and need memory of their own
my $huge  = defined $ENV{MPSUP_HOSTILE} && $ENV{MPSUP_HOSTILE} > 200 ? 20 : 2; # bodies of 1 GB
my $site  = new_site();
my $port  = free_port();
my $dir   = $site->dir;
$site->write('page.txt', 'p' x 3_000_000);
$site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict; use warnings;
use Cwd (); use POSIX (); use Time::HiRes ();
my @ok = (200, ['Content-Type' => 'text/plain']);
my @leaked;
my $page = join '', map { chr(97 + $_ % 26) } 1 .. 10_000;
sub link_of { readlink("/proc/self/fd/$_[0]") // 'closed' }
my %page = (
    page   => sub { [@ok, [$page]] },
    pid    => sub { [@ok, [$$]] },
    state  => sub { # what an application may rely on, a line each
        my $umask = umask;
        my @state = (
            cwd => Cwd::getcwd(), umask => sprintf('%03o', $umask), alarm => Time::HiRes::getitimer(Time::HiRes::ITIMER_REAL()) ? 'set' : 'none',
            '$/' => $/ // 'undef', '$\\' => $\ // 'undef', '$,' => $, // 'undef', '$|' => do { my $old = select STDOUT; my $flush = $|; select $old; $flush },
            selected => select, locale => POSIX::setlocale(POSIX::LC_ALL()), '%SIG' => join(',', map { "$_=" . (ref $SIG{$_} || $SIG{$_} || 'DEFAULT') } qw(TERM PIPE ALRM CHLD)),
            '@INC' => scalar @INC, '$0' => $0, map { ("descriptor $_" => link_of($_)) } 0 .. 2);
        my @lines;
        while (my ($name, $value) = splice @state, 0, 2) { push @lines, "$name: " . $value =~ s/\n/\\n/gr }
        return [@ok, [join "\n", @lines]];
    },
    # It fails
    die       => sub { die "hostile\n" },
    dieobject => sub { die bless {}, 'Hostile' },
    exit      => sub { exit 3 },
    evalexit  => sub { eval { exit 3 }; [@ok, ['went on']] },
    deep      => sub { no warnings; my $f; $f = sub { $_[0] ? $f->($_[0] - 1) : 0 }; $f->(5000); [@ok, ['x']] },
    # It forks
    forkexit   => sub { my $pid = fork; exit 0 if !$pid; waitpid $pid, 0; [@ok, ["status $?"]] },
    forkreturn => sub { my $pid = fork; return [@ok, ['from the fork']] if !$pid; waitpid $pid, 0; [@ok, ['parent']] },
    forkdie    => sub { my $pid = fork; die "in the fork\n" if !$pid; waitpid $pid, 0; [@ok, ['parent']] },
    forkstream => sub { sub { my $w = $_[0]->([@ok]); my $pid = fork; if (!$pid) { $w->close; return } waitpid $pid, 0; $w->write('parent'); $w->close } },
    forkleave  => sub { my $pid = fork; if (!$pid) { select undef, undef, undef, 0.05; POSIX::_exit(0) } [@ok, ['parent']] }, # a zombie
    # It changes what belongs to the process
    alarm     => sub { Time::HiRes::alarm(0.3); [@ok, ['x']] },
    chdir     => sub { chdir '/'; [@ok, ['x']] },
    umask     => sub { umask 077; [@ok, ['x']] },
    locale    => sub { POSIX::setlocale(POSIX::LC_ALL(), POSIX::setlocale(POSIX::LC_ALL()) eq 'C' ? 'C.UTF-8' : 'C'); [@ok, ['x']] },
    separators => sub { $/ = undef; $\ = "!\n"; $, = '-'; [@ok, ['a', 'b']] },
    flush     => sub { my $old = select STDOUT; $| = 1; select $old; [@ok, ['x']] },
    select    => sub { open our $other, '>', '/dev/null'; select $other; [@ok, ['x']] },
    signals   => sub { local @SIG{ keys %SIG } = ('DEFAULT') x keys %SIG; [@ok, ['x']] },
    resetsig  => sub { $SIG{$_} = 'DEFAULT' for qw(TERM PIPE ALRM CHLD); [@ok, ['x']] },
    ignorechld => sub { $SIG{CHLD} = 'IGNORE'; [@ok, ['x']] },
    close     => sub { POSIX::close($_) for 0 .. 2; [@ok, ['x']] },
    # It talks
    print     => sub { print "to standard output, not to a client\n"; [@ok, ['x']] },
    syswrite  => sub { syswrite STDOUT, "to standard output, not to a client\n"; [@ok, ['x']] },
    system    => sub { system 'echo to standard output, not to a client'; [@ok, ["$?"]] },
    log       => sub { syswrite STDERR, "SECRET of the log\n"; [@ok, ['x']] },
    # It is killed
    leak      => sub { push @leaked, 'x' x 1_048_576; [@ok, [length $leaked[-1]]] },
    segv      => sub { kill 'SEGV', $$; select undef, undef, undef, 5; [@ok, ['x']] },
    pointer   => sub { my $x = unpack 'p', pack 'L!', 1; [@ok, [$x]] },
    kill      => sub { kill 'KILL', $$; [@ok, ['x']] },
    realexit  => sub { POSIX::_exit(7) },
    # Of use
    file      => sub { open my $in, '<', 'DIR/page.txt' or die; [@ok, $in] },
    stream    => sub { sub { my $w = $_[0]->([@ok]); $w->write('p' x 65536) or last for 1 .. 50; $w->close } },
    sink      => sub { my ($in, $size) = ($_[0]{'psgi.input'}, 0); while (my $got = $in->read(my $piece, 1 << 20)) { $size += $got } [@ok, ["$size"]] },
);
sub { my $env = shift; my $do = $page{ substr $env->{PATH_INFO}, 1 }; $do ? $do->($env) : [404, [], []] };
APP

sub run_pool {
    my ($pool) = @_;
    $site->must('up', $site->topology(<<"YAML"));
  app:
    kind: dynamic
    listen: 127.0.0.1:$port
    app: app.psgi
    pool: $pool
    health: {path: /page, every: 300s}
    restart: {burst: 1000, window: 1s, backoff: 100ms}
    stop: {grace: 2s}
YAML
    return;
}

# Within a time; nothing if it was not.
sub within {
    my ($seconds, $act) = @_;
    my $result = eval {
        local $SIG{ALRM} = sub { die "time\n" };
        alarm $seconds;
        my $got = $act->();
        alarm 0;
        $got;
    };
    alarm 0;
    fail("nothing within $seconds s"), return undef if $@ eq "time\n";
    return $result;
}

# One request on a connection of its own, or on one that is there.
sub ask {
    my ($path, $socket) = @_;
    my $close = $socket ? '' : "Connection: close\r\n";
    return within(20, sub { Mpsup::Test::exchange($socket // connect_to($port), "GET /$path HTTP/1.1\r\nHost: a\r\n$close\r\n") });
}

my $page = join '', map { chr(97 + $_ % 26) } 1 .. 10_000;
sub is_served { my $reply = ask('page'); return $reply && $reply->{status} == 200 && $reply->{body} eq $page }

sub deaths { return grep { $_->{event} eq 'child_exited' && $_->{reason} ne 'planned' } $site->events }

# Asks it again and again, with a page of the same pool after every fifth. Returns how often which answer came.
sub repeat {
    my ($path, $count) = @_;
    my (%answers, $unserved);
    for my $n (1 .. $count) {
        my $reply = ask($path);
        ++$answers{ $reply ? $reply->{status} == 200 ? $reply->{body} : $reply->{status} : 'none' };
        ++$unserved if $n % 5 == 0 && !is_served();
    }
    is $unserved // 0, 0, "$path: others are served meanwhile";
    note "$path: ", join ', ', map { "$answers{$_} x $_" } sort keys %answers;
    return \%answers;
}

run_pool(3);

subtest 'it fails, or forks, or talks' => sub {
    my @children = sort $site->pids('app', 'child');
    my %answer = (die => 500, dieobject => 500, exit => 500, evalexit => 'went on', deep => 'x', forkexit => 'status 0', forkreturn => 'parent',
        forkdie => 'parent', forkstream => 'parent', forkleave => 'parent', print => 'x', syswrite => 'x', system => 0, separators => 'ab', signals => 'x');
    for my $path (sort keys %answer) {
        my $answers = repeat($path, $times);
        is_deeply $answers, {$answer{$path} => $times}, "  and the answer is $answer{$path}, each time";
    }
    is_deeply [sort $site->pids('app', 'child')], \@children, 'all of that cost no child';
    like $site->log_of('app'), qr/^to standard output, not to a client$/m, 'what it prints is in the log';
};

subtest 'it leaks' => sub { # no more than the machine has
    my $count = $times < 200 ? $times : 200;
    is_deeply repeat('leak', $count), {1_048_576 => $count}, "1 MB a request, $count times";
};

sub is_each_an_event {
    my ($events, $deaths) = @_;
    return is $events, $deaths, '  each death is an event';
}

# Until every child has been there for a second: then it is replaced at once when it dies.
my %seen_at;
sub settle {
    my ($pool) = @_;
    wait_until(30, 'every child has been there for a second', sub {
        my $worker = $site->worker('app');
        my @ready = grep { $_->{role} eq 'child' } @{ $worker->{processes} };
        $seen_at{ $_->{pid} } //= time for @ready;
        $worker->{ready} == $pool && $pool == grep { time - $seen_at{ $_->{pid} } > 1.1 } @ready;
    });
    return;
}

subtest 'it kills its process' => sub {
    my $count = int($times / 20) || 1;
    for my $kind ($sanitized ? () : (['segv', 'signal', 11], ['pointer', 'signal', 11]), ['kill', 'signal', 9], ['realexit', 'exit_code', 7]) {
        my ($path, $key, $value) = @$kind;
        my $before = () = deaths();
        my ($replies, $unserved) = (0, 0);
        for (1 .. $count) {
            ++$replies if ask($path);
            ++$unserved if !is_served();
        }
        is $replies, 0, "$path: the client sees the end, $count times";
        is $unserved, 0, '  others are served meanwhile';
        eval { wait_until(10, 'events', sub { deaths() >= $before + $count }) };
        my @deaths = deaths();
        is_each_an_event(@deaths - $before, $count);
        is scalar(grep { ($_->{$key} // '') ne $value } @deaths[$before .. $#deaths]), 0, "  which says $key $value";
    }
    settle(3);
};

subtest 'it kills every process as soon as there is one' => sub {
    my $before = () = deaths();
    my $count  = 9;
    for (1 .. $count) { ask('kill') and fail('a reply') }
    eval { wait_until(3, 'events', sub { deaths() >= $before + $count }) };
    my $events = () = deaths();
    ok is_served(), 'it serves as soon as it is let';
    is_each_an_event($events - $before, $count);
};

# State. One connection is one child: whatever a request has done to the process, the next one on it finds it as it was.
run_pool(1);
sub state_of { my ($socket) = @_; my $reply = ask('state', $socket) or return {}; return {map { split /: /, $_, 2 } split /\n/, $reply->{body}} }
sub fresh_child {
    settle(1);
    my ($pid) = $site->pids('app', 'child');
    kill 'KILL', $pid;
    wait_until(10, 'another child', sub { my ($new) = $site->pids('app', 'child'); $new && $new != $pid && $site->worker('app')->{ready} == 1 });
    return;
}
for my $path (qw(chdir umask locale separators flush select signals resetsig ignorechld alarm close)) {
    my $socket = connect_to($port);
    my $before = state_of($socket);
    ask($path, $socket);
    my $after = state_of($socket);
    my @changed = map { "$_ is $after->{$_}, was $before->{$_}" } grep { ($after->{$_} // '') ne $before->{$_} } sort keys %$before;
    note "$path: $_" for @changed;
    is "@changed", '', "$path: the next request finds all as it was";
    fresh_child() if @changed;
}

subtest 'an alarm that is left behind' => sub {
    my ($before) = $site->pids('app', 'child');
    ask('alarm');
    eval { wait_until(1, 'a death', sub { (($site->pids('app', 'child'))[0] // 0) != $before }) };
    is +($site->pids('app', 'child'))[0], $before, 'costs no child';
};

subtest 'clients that hang up after signals were reset' => sub {
    my $socket = connect_to($port);
    my $reset = ask('resetsig', $socket);
    my ($before) = $site->pids('app', 'child');
    for my $path (('file', 'stream') x 5) {
        my $hasty = connect_to($port);
        syswrite $hasty, "GET /$path HTTP/1.1\r\nHost: a\r\n\r\n";
        sysread $hasty, my $some, 1000;
        setsockopt $hasty, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack 'ii', 1, 0;
        close $hasty;
    }
    ok is_served(), 'others are served';
    is +($site->pids('app', 'child'))[0], $before, 'and it costs no child';
};

subtest 'SIGTERM after signals were reset' => sub {
    fresh_child() if state_of(connect_to($port))->{'%SIG'} !~ /TERM=CODE/;
    my $socket = connect_to($port);
    ask('resetsig', $socket);
    my ($before) = $site->pids('app', 'child');
    kill 'TERM', $before;
    my $event = eval { wait_until(5, 'its event', sub { (grep { $_->{event} eq 'child_exited' && $_->{pid} == $before } $site->events)[0] }) };
    is $event->{exit_code}, 0, 'it leaves by itself';
};

subtest 'standard descriptors that were closed' => sub {
    wait_until(10, 'the pool is whole', sub { $site->worker('app')->{ready} == 1 });
    my $first = connect_to($port);
    ask('close', $first);
    my @others = map { my $socket = connect_to($port); ask('pid', $socket); $socket } 1 .. 4; # who gets 0, 1 and 2?
    ask('log', $first);
    my $leaked = '';
    for my $socket (@others) {
        my $set = '';
        vec($set, fileno $socket, 1) = 1;
        sysread $socket, $leaked, 65536, length $leaked if select $set, undef, undef, 0.1;
    }
    is $leaked, '', 'the log is written to no client';
    close $_ for $first, @others;
    fresh_child();
};

# Bodies of 1 GB
run_pool(3);

# Sends a body that exists nowhere. Returns the reply, and how long it took.
sub post_huge {
    my ($size, $is_chunked) = @_;
    my $start = time;
    my $reply = within(120, sub {
        local $SIG{PIPE} = 'IGNORE';
        my $socket = connect_to($port);
        my $piece  = 'x' x (1 << 20);
        my $framed = $is_chunked ? sprintf("%x\r\n", length $piece) . $piece . "\r\n" : $piece;
        my $head   = "POST /sink HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" . ($is_chunked ? 'Transfer-Encoding: chunked' : "Content-Length: $size");
        my $whole  = 1;
        my $send   = sub { my ($bytes) = @_; while (length $bytes) { my $sent = syswrite($socket, $bytes) or return 0; substr($bytes, 0, $sent) = '' } 1 };
        $send->("$head\r\n\r\n") or die;
        for (my $left = $size; $left > 0 && $whole; $left -= length $piece) {
            my $set = '';
            vec($set, fileno $socket, 1) = 1;
            last if select $set, undef, undef, 0; # it answers already
            $whole = $send->($framed);
        }
        $send->("0\r\n\r\n") if $whole && $is_chunked;
        Mpsup::Test::read_reply($socket, 'POST');
    });
    return ($reply, time - $start);
}

sub peak_of { my ($pid) = @_; return (read_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0) / 1024 }

SKIP: {
    my ($free) = `df -Pk /tmp` =~ /^\S+\s+\d+\s+\d+\s+(\d+)\s+\d+%/m;
    skip 'less than 4 GB are free for bodies', 1 if !$free || $free < 4_000_000 || ($ENV{TMPDIR} // '/tmp') ne '/tmp';
    for my $n (1 .. $huge) {
        my $is_chunked = $n % 2;
        my $what = '1 GB ' . ($is_chunked ? 'in chunks' : 'of known length');
        my @before = $site->pids('app', 'child');
        my %peak = map { $_ => peak_of($_) } @before;
        my $poster = fork // die "fork: $!";
        if (!$poster) {
            my ($reply, $took) = post_huge(1000 << 20, $is_chunked);
            Mpsup::Test::write_file("$dir/posted", sprintf "%s %s %.1f", $reply ? ($reply->{status}, $reply->{body}) : ('none', ''), $took);
            POSIX::_exit(0);
        }
        my ($asked, $longest) = (0, 0);
        while (waitpid($poster, POSIX::WNOHANG()) == 0) {
            my $start = time;
            is_served() or fail('a page meanwhile');
            my $took = time - $start;
            $longest = $took if $took > $longest;
            ++$asked;
            select undef, undef, undef, 0.02;
        }
        my ($status, $size, $took) = split ' ', read_file("$dir/posted");
        is "$status $size", '200 ' . (1000 << 20), "$what is taken whole ($took s)";
        cmp_ok $longest, '<', 5, sprintf '  and others wait for nothing meanwhile (%d pages, longest %.2f s)', $asked, $longest;
        is_deeply [sort $site->pids('app', 'child')], [sort @before], '  and it costs no child';
        my ($grown) = sort { $b <=> $a } map { peak_of($_) - $peak{$_} } @before;
        cmp_ok $grown, '<', $sanitized ? 512 : 32, sprintf '  nor memory (%.1f MB more at most)', $grown;
    }
    for my $is_chunked (0, 1) {
        my ($reply, $took) = post_huge(1100 << 20, $is_chunked);
        is $reply && $reply->{status}, 413, sprintf '1.1 GB %s is refused (%.1f s)', $is_chunked ? 'in chunks' : 'of known length', $took;
    }
    ok is_served(), 'and the pool serves on';
    is(scalar(grep { defined && /\(deleted\)/ && !/memfd/ } map { readlink } map { glob "/proc/$_/fd/*" } $site->pids('app', 'child')), 0, 'no body is kept');
}

done_testing;
