#!/usr/bin/perl
# Many supervisors and one etcd on this machine, each in a network namespace with a worker that only sleeps. Targets: one `up`
# is everywhere within 10 s; a restart of all of them ends well, never more of them out of service than its budget; what a supervisor
# takes of memory, and of etcd while nothing happens and for a change.
# machines.pl [MACHINES]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Cluster;
use Mpsup::Test qw(read_file wait_until);
use Time::HiRes qw(time sleep);

if (my $reason = Mpsup::Cluster::reason()) { print "machines: $reason\n"; exit 0 }
my $count   = shift // 100;
my $cluster = Mpsup::Cluster->new(machines => [map { "m$_" } 1 .. $count]);
mkdir $cluster->files->dir . '/root';
my $budget = 5;
my $topology = sub {
    my ($every) = @_;
    my $names = join ', ', $cluster->names;
    return $cluster->topology("  docs: {kind: static, on: [$names], listen: 8080, root: root, health: {every: ${every}h}}\n",
        more => "cluster: {unavailable: $budget}\n");
};

my $calls = $cluster->etcd->calls;
sub calls_since {
    my ($what) = @_;
    my $now = $cluster->etcd->calls;
    my %new = map { $_ => $now->{$_} - ($calls->{$_} // 0) } qw(Txn Range Put LeaseGrant LeaseKeepAlive);
    $calls = $now;
    return sprintf '%s: etcd calls a machine: %s', $what, join ', ', map { sprintf '%s %.2f', $_, $new{$_} / $count } grep { $new{$_} } sort keys %new;
}

my $began = time;
$cluster->supervise;
printf "machines: %d supervisors are there after %.1f s; %s\n", $count, time - $began, calls_since('start');

sub timed {
    my (@command) = @_;
    my $start  = time;
    my $finish = $cluster->begin('m1', @command, '--timeout', '300s');
    my $most   = 0;
    until ($finish->('has ended')) {
        my $change  = $cluster->key('change') // {};
        my $granted = grep { $_->{state} eq 'granted' } @{ $change->{machines} // [] };
        $most = $granted if $granted > $most;
        sleep 0.05;
    }
    my ($code, $out, $err) = $finish->();
    die "mpsup @command: $code\n$out$err" if $code;
    my $took = time - $start;
    $cluster->wait_converged(60);
    printf "machines: mpsup %s took %.1f s, all converged after %.1f s, at most %d of %d at a time; %s\n", $command[0], $took, time - $start, $most, $budget,
        calls_since($command[0]);
    return ($took, $most);
}

my ($up, $most) = timed('up', $topology->(1));
my ($again, $most_again) = timed('up', $topology->(2));
my ($restart, $most_restart) = timed('restart');
sleep 30;
print 'machines: ', calls_since('30 s in which nothing happens'), "\n";
my @memory = sort { $a <=> $b } map { read_file("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m ? $1 / 1024 : () } map { $cluster->pid($_) } $cluster->names;
printf "machines: PSS of a supervisor %.1f MB (median), %.1f MB (largest)\n", $memory[@memory / 2], $memory[-1];
my ($etcd) = $cluster->etcd->pids;
printf "machines: etcd has %.0f MB\n", read_file("/proc/$etcd/smaps_rollup") =~ /^Pss:\s+(\d+)/m ? $1 / 1024 : 0;
exit($up <= 10 && $most <= $budget && $most_again <= $budget && $most_restart <= $budget ? 0 : 1);
