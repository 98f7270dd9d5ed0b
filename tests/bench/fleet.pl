#!/usr/bin/perl
# The supervisor and many workers. Targets: 200 adopted within 1 s of the start of another supervisor; 1,000 that sleep are all
# up within 10 s (2 cores), status of them within 50 ms, the supervisor's PSS at most 30 MB, and it wakes nobody and is not woken.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(new_site wait_until build_dir read_file);
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

# All at once, so that none is given out twice.
sub ports {
    my ($count) = @_;
    my @sockets = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "a port: $!" } 1 .. $count;
    return map { $_->sockport } @sockets;
}

sub site_of {
    my ($name, $count) = @_;
    my $site = new_site(name => $name);
    mkdir $site->dir . '/root';
    my @ports = ports($count);
    my $file  = $site->topology(join '', map {
        qq{  w$_: {kind: static, listen: "127.0.0.1:$ports[$_]", root: root, health: {every: 1h}}\n} } 0 .. $#ports);
    return ($site, $file);
}

sub ready { my ($site) = @_; return scalar grep { $_->{state} eq 'ready' } @{ $site->status->{workers} } }

sub adoption {
    my ($site, $file) = site_of('fleet', 200);
    $site->must('up', $file);
    my $supervisor = $site->supervisor_pid;
    my %before = map { $_->{name} => $_->{processes}[0]{pid} } @{ $site->status->{workers} };
    kill 'KILL', $supervisor;
    wait_until(5, 'it is gone', sub { !kill 0, $supervisor });
    my $began = time;
    $site->must('up', $file);
    my $took = time - $began;
    my $same = grep { $before{ $_->{name} } == $_->{processes}[0]{pid} } @{ $site->status->{workers} };
    $site->stop;
    printf "adoption: %d of 200 with their pids in %.2f s\n", $same, $took;
    return $same == 200 && $took <= 1;
}

sub median_status {
    my ($site) = @_;
    my @command = (build_dir() . '/mpsup', '--state-dir', $site->{state}, 'status', '-q');
    my @times;
    for (1 .. 20) {
        my $start = time;
        system @command;
        push @times, 1000 * (time - $start);
    }
    return (sort { $a <=> $b } @times)[10];
}

sub switches {
    my ($pid) = @_;
    my $sum = 0;
    $sum += $_ for map { read_file($_) =~ /^(?:non)?voluntary_ctxt_switches:\s+(\d+)/mg } glob "/proc/$pid/task/*/status";
    return $sum;
}

sub thousand {
    my ($site, $file) = site_of('thousand', 1000);
    my $began = time;
    $site->must('up', $file);
    my $took = time - $began;
    my $ready = ready($site);
    my $status = median_status($site);
    my $pid = $site->supervisor_pid;
    my ($pss) = read_file("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
    sleep 12; # what was recorded is written, what was asked is answered
    my $before = switches($pid);
    sleep 10;
    my $woken = switches($pid) - $before;
    $site->stop;
    printf "1,000 workers: %d ready in %.1f s; status: median of 20: %.0f ms; the supervisor: PSS %.1f MB, woken %d times in 10 s\n",
        $ready, $took, $status, $pss / 1024, $woken;
    return $ready == 1000 && $took <= 10 && $status <= 50 && $pss <= 30 * 1024 && $woken == 0;
}

my @held = (adoption(), thousand());
exit(2 == grep({ $_ } @held) ? 0 : 1);
