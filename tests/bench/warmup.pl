#!/usr/bin/perl
# What warm-up and refork save: an application that builds 20 MB of state at its first request, in a pool of four. Of each
# child after its first and after its hundredth request: memory of its own, and its share (PSS); how long its first
# request took. Figures, not verdicts.
# usage: warmup.pl [CHILDREN]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(new_site free_port connect_to request wait_until read_file);
use Time::HiRes qw(time sleep);

my $children = shift // 4;
my $site = new_site(name => 'bench');
# 40,000 small hashes are about 20 MB of Perl. Answers after a hold, so that connections made one after the other get a
# child each: a busy one accepts nobody.
$site->write('app.psgi', <<'APP');
use Time::HiRes ();
my %cache;
sub {
    my $env = shift;
    my $began = Time::HiRes::time();
    if (!%cache) { $cache{$_} = {number => $_, name => "item $_"} for 1 .. 40_000 }
    my $sum = 0;
    $sum += $cache{ 1 + $_ * 7919 % 40_000 }{number} for 1 .. 100;
    my $took = Time::HiRes::time() - $began;
    select undef, undef, undef, 0.3 if $env->{PATH_INFO} eq '/hold';
    [200, ['Content-Type' => 'text/plain'], ["$$ $took\n"]];
}
APP

# Its own, its share, in MB.
sub memory {
    my ($pid) = @_;
    my $text = read_file("/proc/$pid/smaps_rollup");
    my ($own, $share) = (0, $text =~ /^Pss:\s+(\d+)/m);
    $own += $_ for $text =~ /^Private_(?:Clean|Dirty):\s+(\d+)/mg;
    return ($own / 1024, $share / 1024);
}

sub mean { my $sum = 0; $sum += $_ for @_; return @_ ? $sum / @_ : 0 }

# A request to each child: seconds that it took there, by pid.
sub ask_each {
    my ($port, $path) = @_;
    my (%took, @sockets);
    for (1 .. $children) {
        my $socket = connect_to($port);
        syswrite $socket, "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        push @sockets, $socket;
        sleep 0.02;
    }
    for my $socket (@sockets) {
        my ($pid, $seconds) = split ' ', Mpsup::Test::read_reply($socket)->{body};
        $took{$pid} //= $seconds;
    }
    return %took;
}

sub measure {
    my ($what, $keys, $prepare) = @_;
    my $port = free_port();
    # The probes of the gate get a file, so that they do not warm the children that are measured.
    mkdir $site->dir . '/well';
    $site->write('well/ok', "ok\n");
    $site->must('up', $site->topology(
        qq(  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: $children, root: ., serves: [/well/], )
            . qq(health: {path: /well/ok, every: 300s}$keys}\n)));
    $prepare->($port) if $prepare;
    my (%first, $rounds);
    while (keys %first < $children && ++$rounds <= 10) { my %took = ask_each($port, '/hold'); $first{$_} //= $took{$_} for keys %took }
    my @pids = keys %first;
    my @after_first = map { [memory($_)] } @pids;
    for (1 .. 100) { ask_each($port, '/') }
    my @after_all = map { [memory($_)] } @pids;
    my ($master) = $site->pids('app', 'master');
    printf "warmup: %-26s %9.1f %13.1f %13.1f %13.1f %15.1f %13.1f\n", $what, 1000 * mean(values %first), mean(map { $_->[0] } @after_first),
        mean(map { $_->[1] } @after_first), mean(map { $_->[0] } @after_all), mean(map { $_->[1] } @after_all), (memory($master))[1];
    $site->must('down', '--timeout', '20s');
    return;
}

printf "warmup: %-26s %9s %13s %13s %13s %15s %13s\n", "$children children, 20 MB", 'first, ms', 'own after 1', 'PSS after 1', 'own after 100', 'PSS after 100', 'PSS of master';
measure('neither', '');
measure('warm-up', ', warmup: [/]');
measure('refork', ', refork: {after: 50}', sub {
    my ($port) = @_;
    my ($first) = $site->pids('app', 'master');
    wait_until(30, 'a child is master', sub { request($port, '/'); my ($now) = $site->pids('app', 'master'); $now && $now != $first });
    wait_until(30, 'the old ones are gone', sub { my $worker = $site->worker('app'); !(kill 0, $first) && $children == $site->pids('app', 'child') && $worker->{state} eq 'ready' });
});
exit 0;
