# Every layout of one machine turned into every other one while clients check each answer: on an address that both have nothing is
# refused, and nothing answered as neither of them would. Once around all of them; with MPSUP_ALL_PAIRS=1 each ordered pair.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use IO::Select;
use IO::Socket::INET;
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
mkdir $site->dir . "/$_" for 'root', 'root/static';
my $file = join '', map { chr(32 + $_ * 7 % 90) } 1 .. 20_000;
$site->write('root/static/a.css', $file);
$site->write('app.psgi', <<'APP');
use Digest::MD5 qw(md5_hex);
sub {
    my $env  = shift;
    my $path = $env->{PATH_INFO};
    if ($path eq '/slow') { select undef, undef, undef, 0.02 until -e $ENV{GO_ON}; return [200, [], ["done\n"]] }
    return [404, ['Content-Type' => 'text/plain'], ["perl has no $path\n"]] if $path !~ m{^/(?:page/.*)?\z};
    my $content = '';
    1 while $env->{'psgi.input'}->read($content, 65536, length $content);
    return [200, ['Content-Type' => 'text/plain'], ["$env->{REQUEST_METHOD} $path " . md5_hex($content) . "\n"]];
}
APP

# Ports that are free on both addresses.
sub shared_port {
    for (1 .. 100) {
        my $port = free_port();
        return $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.2', LocalPort => $port, ReuseAddr => 1);
    }
    die 'no port is free on both addresses';
}
my ($one, $two) = (shared_port(), shared_port());
my ($A, $B, $C) = ("127.0.0.1:$one", "127.0.0.1:$two", "127.0.0.2:$one");

# What answers at an address: files alone (others are 404), Perl alone (404 of its own for files), or both.
my %layouts = (
    'one-big'               => {binaries => 'one', at => {$A => 'both'},                 workers => [perl($A, 'root: root, serves: [/static/]')]},
    'two-ports'             => {binaries => 'two', at => {$A => 'files', $B => 'perl'},  workers => [docs($A), perl($B)]},
    'two-ips'               => {binaries => 'two', at => {$A => 'files', $C => 'perl'},  workers => [docs($A), perl($C)]},
    'dso'                   => {binaries => 'dso', at => {$A => 'files', $B => 'perl'},  workers => [docs($A), perl($B)]},
    'accelerated-one-big'   => {binaries => 'one', at => {$A => 'both'},                 workers => [front('httpd_perl'), perl('', 'root: root, serves: [/static/]')]},
    'accelerated-two-ports' => {binaries => 'two', at => {$A => 'both', $B => 'files'},  workers => [front($B), docs($B), perl('')]},
    'accelerated-two-ips'   => {binaries => 'two', at => {$A => 'both', $C => 'files'},  workers => [front($C), docs($C), perl('')]},
    'accelerated-dso'       => {binaries => 'dso', at => {$A => 'both', $B => 'files'},  workers => [front($B), docs($B), perl('')]},
);

sub docs { return qq(  httpd_docs: {kind: static, listen: "$_[0]", root: root, serves: [/static/]}\n) }

sub perl {
    my ($listen, $more) = @_;
    my $where = $listen ? qq(, listen: "$listen") : '';
    return "  httpd_perl: {kind: dynamic, app: app.psgi, pool: 3, env: {GO_ON: @{[$site->dir]}/go-on}$where" . ($more ? ", $more" : '') . "}\n";
}

sub front {
    my ($files) = @_;
    return <<"YAML";
  front:
    kind: accelerator
    listen: "$A"
    routes:
      - {path: /static/, to: "$files"}
      - {path: /, to: httpd_perl}
YAML
}

sub file_of {
    my ($name) = @_;
    my $layout = $layouts{$name};
    return $site->write("$name.yaml", "site: test\nbinaries: $layout->{binaries}\nworkers:\n" . join '', @{ $layout->{workers} });
}

# One of the requests that clients ask in turn: method, path, content.
sub nth_request {
    my ($n) = @_;
    my $kind = $n % 5;
    return ('GET',  '/static/a.css', '') if $kind == 0;
    return ('HEAD', '/static/a.css', '') if $kind == 1;
    return ('POST', "/page/$n", 'x' x (50 * ($n % 40))) if $kind == 2;
    return ($kind == 3 ? 'HEAD' : 'GET', "/page/$n", '');
}

# Where clients of a layout find a path.
sub owner_of {
    my ($at, $path) = @_;
    my $is_file = $path =~ m{^/static/};
    my ($owner) = (grep({ $at->{$_} eq 'both' } sort keys %$at), grep { ($at->{$_} eq 'files') == $is_file } sort keys %$at);
    return $owner;
}

# Is this what such a worker answers? Of a HEAD the status and the length are all there is.
sub is_of {
    my ($what, $reply, $method, $path, $content) = @_;
    my $is_file  = $path =~ m{^/static/};
    if (ref $what) { # it has moved
        my $wanted = $method eq 'POST' ? 308 : 307;
        my $owner  = owner_of($what->{moved}, $path) // return $reply->{status} == ($method eq 'POST' ? 405 : 404); # nobody's
        return $reply->{status} == $wanted && $reply->{headers}{location} eq "http://$owner$path";
    }
    my $expected = $is_file ? $file : "$method $path " . md5_hex($content) . "\n";
    my $is_there = $reply->{status} == 200
        && ($method eq 'HEAD' ? ($reply->{headers}{'content-length'} // -1) == length $expected : $reply->{body} eq $expected);
    return $is_there if $what eq 'both' || ($what eq 'files') == $is_file;
    return $reply->{status} == 404 && ($method eq 'HEAD' || $reply->{body} =~ /^perl has no/) if $what eq 'perl';
    return ($reply->{status} == 404 || $reply->{status} == 405) && $reply->{body} !~ /perl/;
}

# One client at an address until the pipe ends: what it counted, and the first failures.
sub run_client {
    my ($address, $whats, $keep_alive, $ends, $start) = @_;
    my ($ip, $port) = $address =~ /^(.*):(\d+)$/;
    my %seen = (requests => 0, failed => 0, failures => [], longest => 0);
    my $end  = IO::Select->new($ends);
    my $socket;
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no reply for ten seconds\n" };
    for (my $n = $start; !$end->can_read(0.003); ++$n) {
        my ($method, $path, $content) = nth_request($n);
        my $began = time;
        my $reply;
        my $problem = eval {
            alarm 10;
            $socket //= connect_to($port, $ip);
            my $head = "$method $path HTTP/1.1\r\nHost: $address\r\n" . ($keep_alive ? '' : "Connection: close\r\n");
            $head .= 'Content-Length: ' . length($content) . "\r\n" if $method eq 'POST';
            $reply = exchange($socket, "$head\r\n$content", $method);
            alarm 0;
            !$reply ? 'no reply' : (grep { is_of($_, $reply, $method, $path, $content) } @$whats) ? 'ok'
                : "$reply->{status} " . substr($reply->{body}, 0, 60);
        } // "$@";
        alarm 0;
        ++$seen{requests};
        my $took = time - $began;
        $seen{longest} = $took if $took > $seen{longest};
        if ($problem ne 'ok') {
            ++$seen{failed};
            push @{ $seen{failures} }, sprintf '%.3f %s at %s (%s): %s', time, "$method $path", $address, join(' or ', @$whats), $problem =~ s/\n//gr
                if @{ $seen{failures} } < 5;
        }
        undef $socket if !$keep_alive || $problem ne 'ok' || ($reply->{headers}{connection} // '') =~ /close/i;
    }
    return \%seen;
}

# Clients on every address that both layouts have, in processes of their own. Returns what ends them, with the sum of what they saw.
sub start_clients {
    my ($from, $to) = map { $layouts{$_}{at} } @_;
    pipe my $ends, my $running or die "pipe: $!";
    my @pipes;
    for my $address (grep { $to->{$_} } sort keys %$from) {
        for my $number (1 .. 4) {
            pipe my $read, my $write or die "pipe: $!";
            my $pid = fork // die "fork: $!";
            if (!$pid) {
                close $_ for $running, $read, map { $_->[1] } @pipes;
                print {$write} encode_json(run_client($address, [$from->{$address}, $to->{$address}], $number > 2, $ends, 1000 * $number));
                close $write;
                POSIX::_exit(0);
            }
            close $write;
            push @pipes, [$pid, $read];
        }
    }
    close $ends;
    return sub {
        close $running;
        my %sum = (requests => 0, failed => 0, failures => [], longest => 0);
        for my $pipe (@pipes) {
            my ($pid, $read) = @$pipe;
            local $/;
            my $seen = decode_json(scalar <$read>);
            waitpid $pid, 0;
            $sum{$_} += $seen->{$_} for qw(requests failed);
            $sum{longest} = $seen->{longest} if $seen->{longest} > $sum{longest};
            push @{ $sum{failures} }, @{ $seen->{failures} };
        }
        return \%sum;
    };
}

# Requests to an address that are not answered as such a worker would.
sub wrong_at {
    my ($address, $what) = @_;
    my ($ip, $port) = $address =~ /^(.*):(\d+)$/;
    return grep {
        my ($method, $path, $content) = nth_request($_);
        my $reply = eval { request($port, $path, method => $method, body => $content, address => $ip) };
        !$reply || !is_of($what, $reply, $method, $path, $content);
    } 0 .. 4;
}

# Afterwards it is the new layout that answers, and no other; what the old one had besides says where things are.
sub answers_as {
    my ($name, $before) = @_;
    my $at = $layouts{$name}{at};
    is_deeply [map { my $address = $_; map { "$_ at $address" } wrong_at($address, $at->{$address}) } sort keys %$at], [], "$name answers";
    for my $gone (grep { !$at->{$_} } $A, $B, $C) {
        my ($ip, $port) = $gone =~ /^(.*):(\d+)$/;
        if ($before && $layouts{$before}{is_wild}) { ok !IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $port, Timeout => 2), "$gone is closed" if $gone eq $C }
        elsif ($before && $before =~ /^accelerated/) { ok !IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $port, Timeout => 2), "$gone, which was the accelerator's, is closed" if $layouts{$before}{at}{$gone} }
        elsif ($before && $layouts{$before}{at}{$gone}) { is_deeply [wrong_at($gone, {moved => $at})], [], "$gone says where things are" }
        elsif ($before && IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $port, Timeout => 2)) { is_deeply [wrong_at($gone, {moved => $at})], [], "$gone says it still" }
    }
    return;
}

# Workers of the site, but for the one that says where things are.
sub workers { return [sort grep { $_ ne 'moved' } map { $_->{name} } @{ $site->status->{workers} }] }
sub workers_of { my ($name) = @_; return [sort map { /(\w+):/ } @{ $layouts{$name}{workers} }] }

# What `mpsup plan` says, as "start a", "serve a", "leave a".
sub planned {
    my ($name) = @_;
    my %words = (replace => 'start', drain => 'leave', stop => 'leave');
    return map { ($words{ $_->{step} } // $_->{step}) . " $_->{object}" } grep { $_->{step} =~ /^(start|replace|serve|drain|stop)$/ }
        @{ decode_json($site->must('plan', file_of($name), '-o', 'json'))->{steps} };
}

# What was done since, in the same words. One that sleeps leaves when the one that replaced it sleeps.
sub done_since {
    my ($last) = @_;
    my %words = (started => 'start', serving => 'serve', draining => 'leave', slept => 'leave');
    my @done;
    for my $event (sort { $a->{id} <=> $b->{id} } grep { $_->{id} > $last && $words{ $_->{event} } } $site->events) {
        my $text = "$words{ $event->{event} } $event->{worker}";
        push @done, $text if !@done || $done[-1] ne $text;
    }
    return @done;
}

sub last_event { return (sort { $b <=> $a } 0, map { $_->{id} } $site->events)[0] }

sub convert {
    my ($from, $to) = @_;
    subtest "$from to $to" => sub {
        my @planned = planned($to);
        my $last    = last_event();
        my $finish = start_clients($from, $to);
        sleep 0.2;
        my $began = time;
        my ($code, $out, $err) = $site->mpsup('up', file_of($to), '--timeout', '60s');
        my $took = time - $began;
        is $code, 0, 'it is up' or diag $out, $err;
        sleep 0.2;
        my $sum = $finish->();
        is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
        cmp_ok $sum->{requests}, '>', 0, 'clients were served';
        note sprintf '%.1f s, %d requests, the longest took %.0f ms', $took, $sum->{requests}, $sum->{longest} * 1000;
        answers_as($to, $from);
        is_deeply [done_since($last)], \@planned, 'what was planned was done, in its order';
        is_deeply workers(), workers_of($to), 'it has its workers, and no others';
    };
    return;
}

# A way that takes each of these pairs once (Hierholzer), from the first layout back to it.
sub way_through {
    my ($names) = @_;
    my %left = map { my $from = $_; $from => [grep { $_ ne $from } @$names] } @$names;
    my (@stack, @way);
    @stack = $names->[0];
    while (@stack) {
        my $next = shift @{ $left{ $stack[-1] } };
        if   ($next) { push @stack, $next }
        else         { unshift @way, pop @stack }
    }
    return @way;
}

my @ring = qw(one-big accelerated-two-ports two-ports accelerated-one-big accelerated-dso two-ips accelerated-two-ips dso one-big);
my @way  = $ENV{MPSUP_ALL_PAIRS} ? way_through([sort keys %layouts]) : @ring;
$site->must('up', file_of($way[0]));
answers_as($way[0]);
convert(@way[$_ - 1, $_]) for 1 .. $#way;

# Fails under load, with this exit code and these words; what served before answers all the time, and afterwards.
sub fails {
    my ($what, $from, $to, $file, $code, $words, $meanwhile) = @_;
    subtest "$from to $to: $what" => sub {
        my $finish = start_clients($from, $to);
        my $pid    = open my $up, '-|';
        die "fork: $!" if !defined $pid;
        if (!$pid) { my ($ended, $out, $err) = $site->mpsup('up', $file, '--timeout', '60s'); print "$ended\n$err"; close STDOUT; POSIX::_exit(0) }
        $meanwhile->() if $meanwhile;
        my ($ended, $err) = do { local $/; (<$up> // '') =~ /\A(\d+)\n(.*)\z/s };
        waitpid $pid, 0;
        is $ended, $code, "exit $code" or diag $err;
        like $err, $words, 'it is said why';
        my $sum = $finish->();
        is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
        answers_as($from);
        is_deeply workers(), workers_of($from), 'it has its workers, and no others';
    };
    return;
}

# Another version of a layout's file.
sub changed {
    my ($name, $from, $to) = @_;
    my $text = Mpsup::Test::read_file(file_of($name));
    $text =~ s/\Q$from\E/$to/ or die "$name has no $from";
    return $site->write('changed.yaml', $text);
}

$site->must('up', file_of('two-ports'));
$site->write('broken.psgi', "use strict;\nsub { \$undeclared }\n");
fails('an application that does not compile', 'two-ports', 'accelerated-two-ports',
    changed('accelerated-two-ports', 'app.psgi', 'broken.psgi'), 6, qr/undeclared/);
fails('a worker that does not pass its gate', 'two-ports', 'accelerated-two-ports',
    changed('accelerated-two-ports', '/static/]', '/static/], health: {path: /static/none}, rolling: {gate: {deadline: 2s}}'), 6, qr/answered 404/);
{
    my $holder = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
    fails('an address that is in use', 'two-ports', 'accelerated-two-ports',
        changed('accelerated-two-ports', qq(listen: "$B"), 'listen: ["' . $B . '", "127.0.0.1:' . $holder->sockport . '"]'), 1, qr/the port is in use/);
}
$site->write($_, "nothing\n") for qw(bad.pem bad.key);
fails('a certificate that is none', 'two-ports', 'accelerated-two-ports',
    changed('accelerated-two-ports', qq(listen: "$A"), qq(listen: [{address: "$A", tls: on}]\n    tls: {cert: bad.pem, key: bad.key})), 78, qr/bad\.pem/);

# The accelerator finishes a request before anybody takes the pool's place: time enough for the one that waits to die. By then the old
# accelerator has let go of its address.
$site->must('up', file_of('accelerated-two-ports'));
my $slow = connect_to($one);
syswrite $slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
fails('a worker dies while it waits', 'accelerated-two-ports', 'two-ports', file_of('two-ports'), 7, qr/was ready and ended/, sub {
    my $pid = wait_until(20, 'the accelerator is on its way out', sub {
        my %phase = map { ($_->{name} => [map { [$_->{phase}, $_->{pid}] } grep { $_->{role} ne 'child' } @{ $_->{processes} }]) } @{ $site->status->{workers} };
        return if !grep { $_->[0] eq 'draining' } @{ $phase{front} // [] };
        my ($waiting) = grep { $_->[0] eq 'standby' } @{ $phase{httpd_perl} };
        return $waiting && $waiting->[1];
    });
    $site->write('go-on', '') if !kill 'KILL', $pid;
    sleep 0.3;
    $site->write('go-on', '');
});
is Mpsup::Test::read_reply($slow)->{body}, "done\n", 'a request that was on its way is answered';

# A supervisor that dies in the midst of it: the next one makes the site whole, and what was asked for can be asked for again.
subtest 'the supervisor dies in a conversion' => sub {
    unlink $site->dir . '/go-on';
    my $client = connect_to($one);
    syswrite $client, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    my $pid = fork // die "fork: $!";
    if (!$pid) { $site->mpsup('up', file_of('two-ports')); POSIX::_exit(0) }
    wait_until(20, 'the accelerator is on its way out', sub {
        my ($front) = grep { $_->{name} eq 'front' } @{ $site->status->{workers} };
        return $front && grep { $_->{phase} eq 'draining' } @{ $front->{processes} };
    });
    my $finish = start_clients('accelerated-two-ports', 'two-ports');
    kill 'KILL', $site->supervisor_pid;
    waitpid $pid, 0;
    $site->write('go-on', '');
    $site->must('up', file_of('accelerated-two-ports'));
    wait_until(20, 'it is whole', sub { !grep { $_->{state} ne 'ready' } @{ $site->status->{workers} } });
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    is Mpsup::Test::read_reply($client)->{body}, "done\n", 'a request that was on its way is answered';
    close $client;
    answers_as('accelerated-two-ports');
    convert('accelerated-two-ports', 'two-ports');
};

subtest 'what a conversion had begun, whose supervisor died, is gone' => sub {
    $site->must('up', file_of('two-ports'));
    my $pid = fork // die "fork: $!";
    if (!$pid) { $site->mpsup('up', file_of('accelerated-two-ports')); POSIX::_exit(0) }
    wait_until(20, 'the accelerator is on its way', sub { grep { $_->{name} eq 'front' && @{ $_->{processes} } } @{ $site->status->{workers} } });
    kill 'KILL', $site->supervisor_pid;
    waitpid $pid, 0;
    $site->must('up', file_of('two-ports'));
    is_deeply workers(), workers_of('two-ports'), 'it has its workers, and no others';
    answers_as('two-ports');
};

# Who takes long to be finished with keeps the site from nobody: where it moves from one port to another it is there soon.
for my $way (['two-ports', 'accelerated-two-ports', $two, $A], ['accelerated-two-ports', 'two-ports', $one, $B]) {
    my ($from, $to, $port, $pages) = @$way;
    subtest "a slow client, $from to $to" => sub {
        unlink $site->dir . '/go-on';
        $site->must('up', file_of($from));
        my $client = connect_to($port);
        syswrite $client, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
        wait_until(10, 'it is served', sub { grep { $_->{request} } map { @{ $_->{processes} } } @{ $site->status->{workers} } });
        my $pid = fork // die "fork: $!";
        if (!$pid) { POSIX::_exit(($site->mpsup('up', file_of($to), '--timeout', '60s'))[0]) }
        my ($ip, $at) = $pages =~ /^(.*):(\d+)$/;
        wait_until(20, 'the pages are there', sub { my $reply = eval { request($at, '/page/a', address => $ip) }; $reply && $reply->{status} == 200 });
        ok !IO::Select->new($client)->can_read(0), 'while it still waits';
        $site->write('go-on', '');
        is Mpsup::Test::read_reply($client)->{body}, "done\n", 'it is answered';
        close $client;
        waitpid $pid, 0;
        is $?, 0, 'and all is as it should be';
        answers_as($to);
    };
}

# An address that nobody has any more says where things are, for a while, and goes to whoever wants it again.
subtest 'an address that is given up' => sub {
    $layouts{'one-big, moved'} = {at => {$A => 'both', $B => {moved => $layouts{'one-big'}{at}}}};
    my $brief = sub { my ($name, $time) = @_; return $site->write('brief.yaml', "moved: $time\n" . Mpsup::Test::read_file(file_of($name))) };
    $site->must('up', file_of('two-ports'));
    my $finish = start_clients('two-ports', 'one-big, moved');
    $site->must('up', $brief->('one-big', '1m'));
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    is_deeply [wrong_at($B, {moved => $layouts{'one-big'}{at}})], [], 'it says where things are';
    my ($pid) = $site->pids('moved', 'light');
    like $site->must('up', $brief->('one-big', '1m')), qr/nothing changed/, 'the same file is the same site';
    isnt $site->status->{layout}, 'two-ports', 'and the layout is that of the file';

    kill 'KILL', $site->supervisor_pid;
    $finish = start_clients('one-big, moved', 'one-big, moved');
    $site->must('up', $brief->('one-big', '1m'));
    is +($site->pids('moved', 'light'))[0], $pid, 'the next supervisor has it too';
    $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };

    $finish = start_clients('one-big, moved', 'two-ports');
    $site->must('up', file_of('two-ports'));
    $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed when it was wanted again" or diag join "\n", @{ $sum->{failures} };
    answers_as('two-ports');
    ok !grep({ $_ eq $B } @{ ($site->worker('moved') // {listen => []})->{listen} }), 'nobody says of it that it has moved';

    $site->must('up', $brief->('one-big', '1s'));
    wait_until(10, 'its time is over', sub { !$site->worker('moved') });
    my ($ip, $port) = $B =~ /^(.*):(\d+)$/;
    wait_until(5, 'the address is closed', sub { !IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $port, Timeout => 2) });
    answers_as('one-big');
    like $site->must('up', $brief->('one-big', '1s')), qr/nothing changed/, 'the same file is the same site';
    like +($site->mpsup('validate', $site->topology("  moved: {kind: static, listen: '127.0.0.1:1', root: root}\n")))[2], qr/no name of a worker/, 'its name is taken';
};

# Its end is nobody else's affair: what was given up stays so, and a pool keeps the size that it was given by hand.
subtest 'the end of an address that is given up' => sub {
    my $port = free_port();
    my $lame = qq(  lame: {kind: static, listen: "127.0.0.1:$port", root: root, restart: {burst: 1, backoff: 50ms}}\n);
    my $with_lame = sub { my ($name, $head) = @_; return $site->write('lame.yaml', $head . Mpsup::Test::read_file(file_of($name)) . $lame) };
    $site->must('up', $with_lame->('two-ports', ''));
    $site->must('up', $with_lame->('one-big', "moved: 6s\n"));
    kill 'KILL', $site->pids('lame', 'light');
    wait_until(5, 'it was given up', sub { $site->worker('lame')->{state} eq 'failed' });
    $site->must('scale', 'httpd_perl=5');
    ok $site->worker('moved'), 'its time is not over';
    my @generations = map { $site->worker($_)->{generation} } qw(httpd_perl lame);
    wait_until(20, 'its time is over', sub { !$site->worker('moved') });
    sleep 2;
    is $site->worker('lame')->{state}, 'failed', 'who was given up is not tried again';
    is $site->worker('httpd_perl')->{wanted}, 5, 'the pool has its size';
    is_deeply [map { $site->worker($_)->{generation} } qw(httpd_perl lame)], \@generations, 'nobody was replaced';
    my ($ip, $number) = $B =~ /^(.*):(\d+)$/;
    ok !IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $number, Timeout => 2), 'the address is closed';
    $site->must('reset', 'lame');
    $site->must('up', file_of('one-big'));
    answers_as('one-big');
};

# A path goes from one worker to another and back while each redirects to the other, and one of them would be tried for a while.
subtest 'a path that goes to another worker' => sub {
    $site->write('linked.psgi', 'sub { [200, [], ["app\n"]] }');
    mkdir $site->dir . '/root/files';
    $site->write('root/files/x', "docs\n");
    my $linked = sub {
        my ($serves) = @_;
        return $site->write('linked.yaml', <<"YAML");
site: test
links: redirect
workers:
  httpd_docs: {kind: static, listen: "$A", root: root, serves: [$serves]}
  httpd_perl: {kind: dynamic, listen: "$B", app: linked.psgi, pool: 2, rolling: {steps: ["50%", "pause 2s"]}}
YAML
    };
    my $follow = sub {
        my ($at, $path) = @_;
        for (1 .. 5) {
            my ($ip, $port) = $at =~ /^(.*):(\d+)$/;
            my $reply = exchange(connect_to($port, $ip), "GET $path HTTP/1.1\r\nHost: $at\r\nConnection: close\r\n\r\n", 'GET');
            return "$reply->{status} $reply->{body}" if $reply->{status} != 307;
            ($at, $path) = $reply->{headers}{location} =~ m{^http://([^/]+)(/.*)} or return 'led nowhere';
        }
        return 'redirected in a circle';
    };
    $site->must('up', $linked->('/static/'));
    for my $serves ('/static/, /files/', '/static/') {
        my $file = $linked->($serves);
        my $pid  = fork // die "fork: $!";
        if (!$pid) { POSIX::_exit(($site->mpsup('up', $file))[0]) }
        my %seen;
        until (waitpid $pid, POSIX::WNOHANG()) { ++$seen{ $follow->($_, '/files/x') } for $A, $B }
        is $?, 0, "it is up with $serves";
        is_deeply [grep { !/^200 (?:app|docs)$/ } sort keys %seen], [], 'whoever asks finds one of them' or diag explain \%seen;
        is $follow->($_, '/files/x'), $serves =~ /files/ ? "200 docs\n" : "200 app\n", 'and then the one whose it is' for $A, $B;
    }
    $site->must('up', file_of('one-big'));
};

# 127.0.0.1 and 0.0.0.0: the old socket stays, and the new worker serves both.
my %forms = (
    static => [map { my $listen = $_; [docs($listen)] } $A, "0.0.0.0:$one"],
    dynamic => [map { my $listen = $_; [perl($listen, 'root: root, serves: [/static/]')] } $A, "0.0.0.0:$one"],
    accelerated => [[front($B), docs($B), perl('')], [front($B) =~ s/\Q$A\E/0.0.0.0:$one/r, docs($B), perl('')]],
);
for my $form (sort keys %forms) {
    my $what = $form eq 'static' ? 'files' : 'both';
    my %more = $form eq 'accelerated' ? ($B => 'files') : ();
    $layouts{"$form-exact"} = {binaries => 'two', at => {$A => $what, %more}, workers => $forms{$form}[0]};
    $layouts{"$form-wild"}  = {binaries => 'two', at => {$A => $what, $C => $what, %more}, workers => $forms{$form}[1], is_wild => 1};
    $site->must('up', file_of("$form-exact"));
    convert("$form-exact", "$form-wild");
    subtest "$form: the next supervisor, and the next generation, know the old socket" => sub {
        my $finish = start_clients("$form-wild", "$form-wild");
        kill 'KILL', $site->supervisor_pid;
        $site->must('up', file_of("$form-wild"));
        $site->must('restart');
        my $sum = $finish->();
        is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
        is scalar(grep { /^LISTEN/ && /:\Q$one\E\s/ } `ss -Hltn`), 2, 'both are open' if `ss -V 2>/dev/null`;
    };
    convert("$form-wild", "$form-exact");
}

done_testing;
