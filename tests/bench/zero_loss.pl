#!/usr/bin/perl
# Rolling restarts, kill -9 of the supervisor and upgrades, one after the other, under keep-alive and one-shot clients that check
# every reply. Target: 100 restarts, 20 kills, 20 upgrades, at least 1,000,000 requests, none lost.
# zero_loss.pl [RESTARTS [KILLS [UPGRADES [SECONDS]]]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port wait_until read_file);
use Time::HiRes qw(time sleep);

my ($restarts, $kills, $upgrades, $seconds) = (shift // 10, shift // 4, shift // 4, shift // 60);
my $site = new_site(name => 'bench');
my $port = free_port();
$site->write('app.psgi', application());
my $topology = $site->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 4}\n});
$site->must('up', $topology);

sub kill_supervisor {
    my $pid = $site->supervisor_pid;
    kill 'KILL', $pid;
    wait_until(5, 'it is gone', sub { read_file("/proc/$pid/stat") !~ /\) [^ZX] / });
    $site->must('up', $topology);
}
my %act  = (restart => sub { $site->must('restart', 'app') }, kill => \&kill_supervisor, upgrade => sub { $site->must('upgrade') });
my @plan = ((map { [restart => ($_ - 0.5) / $restarts] } 1 .. $restarts), (map { [kill => ($_ - 0.4) / $kills] } 1 .. $kills),
    (map { [upgrade => ($_ - 0.6) / $upgrades] } 1 .. $upgrades));

my $finish = start_load(port => $port, seconds => $seconds, keep_alive => 32, one_shot => 8);
my $start  = time;
my (%took, %done);
for my $step (sort { $a->[1] <=> $b->[1] } @plan) {
    my ($name, $at) = @$step;
    my $due = $start + $at * ($seconds - 2);
    sleep $due - time if $due > time;
    my $before = time;
    $act{$name}->();
    ++$done{$name};
    $took{$name} += time - $before;
}
my $sum = $finish->();
printf "zero loss: %s in %d s: %d requests, %d failed; longest wait %.2f s\n",
    join(', ', map { sprintf '%d x %s (%.2f s each)', $done{$_}, $_, $took{$_} / $done{$_} } sort keys %done), time - $start,
    $sum->{requests}, $sum->{failed}, $sum->{longest};
print "  $_\n" for @{ $sum->{failures} };
exit($sum->{failed} == 0 ? 0 : 1);
