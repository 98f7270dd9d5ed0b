#!/usr/bin/perl
# `mpsup status` of 200 live workers, start of the process included; and while every child of a pool is busy. Targets:
# median of 20 at most 20 ms, at most 50 ms, and what it says is current.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(new_site free_port connect_to wait_until build_dir);
use Time::HiRes qw(time sleep);

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

my $site  = new_site(name => 'bench');
my %taken = map { ($_ => 1) } ();
my @ports;
while (@ports < 200) { my $port = free_port(); push @ports, $port if !$taken{$port}++ }
mkdir $site->dir . '/root';
$site->must('up', $site->topology(join '', map {
    qq{  w$_: {kind: static, listen: "127.0.0.1:$ports[$_]", root: root, health: {every: 60s}}\n} } 0 .. $#ports));
my $many = median_status($site);
my ($pid) = $site->pids('w7', 'light');
kill 'KILL', $pid;
wait_until(5, 'status shows the new process', sub { my ($new) = $site->pids('w7', 'light'); $new && $new != $pid });
my $current = $site->worker('w7')->{restarts}{crash} == 1;
$site->stop;

my $busy = new_site(name => 'busy');
my $port = free_port();
$busy->write('app.psgi', q{sub { sleep 10 if $_[0]{PATH_INFO} eq '/hold'; [200, ['Content-Type' => 'text/plain'], ["ok\n"]] }});
$busy->must('up', $busy->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 4, stop: {grace: 1s}}\n}));
my @held = map { my $s = connect_to($port); syswrite $s, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"; $s } 1 .. 4;
wait_until(5, 'every child is busy', sub { 4 == grep { $_->{state} eq 'busy' } @{ $busy->worker('app')->{processes} } });
my $while_busy = median_status($busy);
printf "status: 200 live workers: median of 20: %.1f ms%s; every child busy: %.1f ms\n", $many,
    $current ? ', and it is current' : ', BUT IT IS NOT CURRENT', $while_busy;
exit($many <= 20 && $while_busy <= 50 && $current ? 0 : 1);
