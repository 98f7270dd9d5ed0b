#!/usr/bin/perl
# CPU time a request, of mpsup, uWSGI and Starman: "hello" and a page of Mojolicious, four children, four connections that
# are kept, servers on one core and wrk on the other, in turns. Targets: hello at most 0.6 of uWSGI's and 0.3 of Starman's;
# Mojolicious at most 0.9 of uWSGI's; a child's own memory after 1,000 pages at most 0.7 of Starman's: at once, and half a minute later. mpsup writes an access
# log always: the ratios are to servers that write one, too. What they take without is shown.
# usage: psgi.pl [ROUNDS [SECONDS]], or psgi.pl --calls: system calls a request instead, by strace.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::Bench qw(run_on spawn end_spawned tree cpu_of difference median missing_programs);
use Mpsup::Test  qw(new_site free_port connect_to request wait_until read_file write_file);
use POSIX        ();
use Time::HiRes  qw(sleep);

my $calls = @ARGV && $ARGV[0] eq '--calls' ? shift : '';
my ($rounds, $seconds) = (shift // 5, shift // 2);
my $children = 4;
for my $program (missing_programs(qw(starman uwsgi wrk taskset), $calls ? 'strace' : ())) {
    print "psgi: $program is not installed (packaging/install-dependencies bench): not measured\n";
    exit 0;
}
if (`nproc` < 2) {
    print "psgi: servers and clients need a core each: not measured\n";
    exit 0;
}

# A child that is busy accepts nothing: connections that are made one after the other, each with a request first that takes
# its time, get a child each.
my $hello = q{sub { select undef, undef, undef, 0.4 if $_[0]{PATH_INFO} eq '/hold'; [200, ['Content-Type' => 'text/plain', 'Content-Length' => 12], ["Hello world\n"]] }};
my $site = new_site(name => 'bench');
my %file = (hello => $site->write('hello.psgi', $hello), mojolicious => "$Bin/mojolicious.psgi");
my $script = $site->write('spread.lua', <<'LUA');
local asked = 0
request = function()
  asked = asked + 1
  return wrk.format(nil, asked <= 2 and "/hold" or "/") -- one is asked for before there is a connection
end
LUA

# Servers

sub start_uwsgi {
    my ($app, $port, $logs) = @_;
    my $dir = $site->dir;
    return spawn("$dir/uwsgi.$port.log", 'uwsgi', qw(--plugins psgi --master --http11-socket), "127.0.0.1:$port", '--psgi', $file{$app},
        '--processes', $children, $logs ? ('--logto', "$dir/uwsgi.$port.access") : '--disable-logging');
}

sub start_starman {
    my ($app, $port, $logs) = @_;
    my $dir = $site->dir;
    return spawn("$dir/starman.$port.log", 'starman', '--workers', $children, qw(--preload-app --max-requests 100000000 --env deployment),
        '--keepalive-timeout', 60, '--listen', "127.0.0.1:$port", $logs ? ('--access-log', "$dir/starman.$port.access") : (), $file{$app});
}

sub start_mpsup {
    my ($app, $port) = @_;
    $site->must('up', $site->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: $file{$app}, pool: $children, health: {every: 300s}}\n}));
    return $site->supervisor_pid;
}

sub own_memory { # of a process, in bytes
    my ($pid) = @_;
    my $own = 0;
    $own += 1024 * $_ for read_file("/proc/$pid/smaps_rollup") =~ /^Private_(?:Clean|Dirty):\s+(\d+)/mg;
    return $own;
}

# Servers by name: {root, port}, all of them answering. The names are what is printed.
sub start_all {
    my ($app) = @_;
    run_on(0);
    my %start = (
        'mpsup'                   => sub { start_mpsup($app, $_[0]) },
        'uWSGI'                   => sub { start_uwsgi($app, $_[0], 1) },
        'Starman'                 => sub { start_starman($app, $_[0], 1) },
        'uWSGI, no access log'    => sub { start_uwsgi($app, $_[0], 0) },
        'Starman, no access log'  => sub { start_starman($app, $_[0], 0) },
    );
    my %server;
    for my $name (sort keys %start) {
        my $port = free_port();
        $server{$name} = {root => $start{$name}->($port), port => $port};
        wait_until(60, "$name answers", sub { my $reply = eval { request($port, '/') }; $reply && $reply->{status} == 200 });
        wait_until(10, "$name has all its children", sub { tree($server{$name}{root}) > $children });
    }
    run_on(1);
    return \%server;
}

# Measuring

# Seconds on a core for each request, while clients of one connection each ask, or one client of all connections: then they
# are with whichever child took them. The second value: how many processes did the work.
sub one_round {
    my ($server, $as_they_land) = @_;
    my $url = "http://127.0.0.1:$server->{port}/";
    my @wrk = (qw(wrk --threads 1 --duration), "${seconds}s");
    my @commands = $as_they_land ? [@wrk, '--connections', $children, $url] : map { [@wrk, qw(--connections 1 --script), $script, $url] } 1 .. $children;
    my @tree   = tree($server->{root});
    my $before = cpu_of(@tree);
    my @clients;
    for my $command (@commands) {
        open my $client, '-|', @$command or die "wrk: $!";
        push @clients, $client;
        sleep 0.05;
    }
    my @said = map { local $/; scalar readline $_ } @clients;
    my %used = difference($before, cpu_of(tree($server->{root})));
    my $requests = 0;
    for my $said (@said) {
        die "not every reply was a good one: $said" if $said =~ /Non-2xx|Socket errors/;
        $requests += $said =~ /(\d+) requests in/ ? $1 : die "wrk said: $said";
    }
    my ($sum, $busy) = (0, 0);
    $sum += $_ for values %used;
    for (values %used) { ++$busy if $_ > 0.05 * $sum }
    return ($sum / $requests, $busy);
}

# One connection, $count requests: the process that served them.
sub ask_one_child {
    my ($server, $count) = @_;
    my $before = cpu_of(tree($server->{root}));
    my $socket = connect_to($server->{port});
    my $buffer = '';
    for (1 .. $count) {
        syswrite $socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        Mpsup::Test::read_reply($socket, 'GET', \$buffer) or die "the connection ended\n";
    }
    my %used = difference($before, cpu_of(tree($server->{root})));
    return (sort { $used{$b} <=> $used{$a} } keys %used)[0];
}

sub stop_all { end_spawned(); $site->mpsup('down', '--timeout', '20s'); return }

my $missed = 0;
sub verdict {
    my ($what, $value, $target) = @_;
    my $met = $value <= $target;
    ++$missed if !$met;
    printf "psgi: %s: %.2f (target: at most %.1f)%s\n", $what, $value, $target, $met ? '' : ' MISSED';
    return;
}

sub measure_cpu {
    my ($app, $servers, $as_they_land) = @_;
    my (%took, %busy);
    one_round($_, $as_they_land) for values %$servers; # not counted: first pages are slower
    for (1 .. $rounds) {
        for my $name (sort keys %$servers) {
            my ($time, $busy) = one_round($servers->{$name}, $as_they_land);
            push @{ $took{$name} }, 1e6 * $time;
            push @{ $busy{$name} }, $busy;
        }
    }
    my %median = map { $_ => median(@{ $took{$_} }) } keys %took;
    my %ratio; # of the same round, for the machine is not the same in the next
    for my $name (keys %took) {
        for my $other (qw(uWSGI Starman)) { $ratio{$name}{$other} = median(map { $took{$name}[$_] / $took{$other}[$_] } 0 .. $rounds - 1) }
    }
    printf "psgi: %-12s %-24s %14s %18s %10s %11s  %s\n", $as_they_land ? "$app *" : $app, 'access logs unless noted', 'CPU us/request', 'least - most', 'of uWSGI', 'of Starman', 'children busy';
    for my $name (sort { $median{$a} <=> $median{$b} } keys %median) {
        my @sorted = sort { $a <=> $b } @{ $took{$name} };
        printf "psgi: %-12s %-24s %14.2f %18s %10.2f %11.2f  %s\n", '', $name, $median{$name}, sprintf('%.2f - %.2f', @sorted[0, -1]),
            $ratio{$name}{uWSGI}, $ratio{$name}{Starman}, median(@{ $busy{$name} });
    }
    return $ratio{mpsup};
}

# System calls a request: strace looks at all processes while 500 requests come on one connection; at once one after the
# other, or each when the server waits for it.
sub count_calls {
    my ($servers) = @_;
    for my $name (sort keys %$servers) {
        my $server = $servers->{$name};
        my $socket = connect_to($server->{port});
        my $buffer = '';
        my $ask    = sub {
            my ($times, $pause) = @_;
            for (1 .. $times) {
                syswrite $socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
                Mpsup::Test::read_reply($socket, 'GET', \$buffer) or die "the connection ended\n";
                sleep $pause if $pause;
            }
        };
        $ask->(10, 0);
        for my $pause (0, 0.002) {
            my %count = traced($server, sub { $ask->(500, $pause) });
            my $sum   = 0;
            $sum += $_ /= 500 for values %count;
            printf "psgi: %-24s %-11s %5.2f system calls a request: %s\n", $name, $pause ? 'after 2 ms,' : 'at once,', $sum,
                join ', ', map { sprintf '%s %.2f', $_, $count{$_} } grep { $count{$_} >= 0.02 } sort { $count{$b} <=> $count{$a} } keys %count;
        }
    }
    return;
}

# System calls of a server's processes by name, while something is done.
sub traced {
    my ($server, $act) = @_;
    my $out  = $site->dir . '/strace.out';
    my @tree = tree($server->{root});
    my $strace = fork // die "fork: $!";
    if (!$strace) {
        open STDERR, '>', "$out.said" or die;
        exec 'strace', '-c', '-f', '-o', $out, map { ('-p', $_) } @tree or POSIX::_exit(1);
    }
    wait_until(10, 'strace has them', sub { @tree == grep { read_file("/proc/$_/status") =~ /^TracerPid:\s+[1-9]/m } @tree });
    $act->();
    kill 'INT', $strace;
    waitpid $strace, 0;
    my %count; # % time, seconds, usecs/call, calls, errors if there were any, name
    for (map { [split] } split /\n/, read_file($out)) {
        $count{ $_->[-1] } = $_->[3] if @$_ >= 5 && $_->[3] =~ /\A\d+\z/ && $_->[-1] ne 'total';
    }
    return %count;
}

if ($calls) {
    count_calls(start_all('hello'));
    exit 0;
}
my $servers   = start_all('hello');
my $hello_cpu = measure_cpu('hello', $servers);
measure_cpu('hello', $servers, 'as they land');
print "psgi: * the connections are with whichever child took them, else each is with a child of its own\n";
stop_all();
$servers = start_all('mojolicious');
my %asked = map { $_ => ask_one_child($servers->{$_}, 1000) } sort keys %$servers;
my %at_once = map { $_ => own_memory($asked{$_}) } sort keys %asked;
print "psgi: half a minute of rest ...\n";
sleep 32; # mpsup's children tidy up when nobody has asked for 30 s
my %memory = map { $_ => own_memory($asked{$_}) } sort keys %asked;
my $page_cpu = measure_cpu('mojolicious', $servers);
stop_all();
for (['at once', \%at_once], ['half a minute later', \%memory]) {
    my ($when, $of) = @$_;
    printf "psgi: own memory of a child after 1,000 pages, %s: %s\n", $when, join ', ', map { sprintf '%s %.1f MB', $_, $of->{$_} / 1048576 } grep { !/no access/ } sort keys %$of;
}
verdict("hello, of uWSGI's CPU",       $hello_cpu->{uWSGI},   0.6);
verdict("hello, of Starman's CPU",     $hello_cpu->{Starman}, 0.3);
verdict("Mojolicious, of uWSGI's CPU", $page_cpu->{uWSGI},     0.9);
verdict("Mojolicious, of Starman's memory, half a minute later", $memory{mpsup} / $memory{Starman},      0.7);
exit($missed ? 1 : 0);
