# What benchmarks share: servers on one core, clients on the other, and what each process has used of its core.
package Mpsup::Bench;
use strict;
use warnings;
use Exporter    qw(import);
use Mpsup::Test qw(read_file);
use POSIX       ();

our @EXPORT_OK = qw(run_on spawn end_spawned tree cpu_of difference cost_of_request median missing_programs);

my @roots; # of servers that run now and are not mpsup's
my $owner = $$;

# Of these, those that are not installed.
sub missing_programs {
    return grep { my $program = $_; !grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin' } @_;
}

# From now on this process, and what it starts.
sub run_on { my ($core) = @_; `taskset --cpu-list --pid $core $$`; die "taskset failed\n" if $?; return }

# A server in a process group of its own, ended with us.
sub spawn {
    my ($log, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgrp;
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', $log        or die;
        open STDERR, '>&', \*STDOUT   or die;
        exec @command or POSIX::_exit(1);
    }
    push @roots, $pid;
    return $pid;
}

sub end_spawned {
    for my $root (@roots) { kill 'KILL', -$root; waitpid $root, 0 }
    @roots = ();
    return;
}
END {
    if (defined $owner && $$ == $owner) {
        my $code = $?;
        end_spawned();
        $? = $code;
    }
}

# Every process below one, itself included.
sub tree {
    my ($root) = @_;
    my %parent;
    for my $path (glob '/proc/[0-9]*/stat') {
        my ($pid, $parent) = read_file($path) =~ /\A(\d+) \(.*\) \S (\d+)/s or next;
        push @{ $parent{$parent} }, $pid;
    }
    my @all = $root;
    for (my $i = 0; $i < @all; ++$i) { push @all, @{ $parent{ $all[$i] } // [] } }
    return @all;
}

# Time on a core in seconds, by process; of all its threads.
sub cpu_of {
    my %time;
    for my $pid (@_) {
        $time{$pid} = 0;
        $time{$pid} += (read_file("$_/schedstat") =~ /\A(\d+)/)[0] / 1e9 for glob "/proc/$pid/task/*";
    }
    return \%time;
}

sub difference {
    my ($before, $after) = @_;
    return map { $_ => $after->{$_} - ($before->{$_} // 0) } keys %$after;
}

# Seconds on a core that the processes below the roots take for each request that wrk makes for some seconds over 16 connections
# that are kept. Every reply must be a good one.
sub cost_of_request {
    my ($url, $seconds, @roots) = @_;
    my $before = cpu_of(map { tree($_) } @roots);
    my $said   = qx(wrk --threads 1 --connections 16 --duration ${seconds}s $url);
    my %used   = difference($before, cpu_of(map { tree($_) } @roots));
    die "not every reply was a good one: $said" if $said =~ /Non-2xx|Socket errors/;
    my $requests = $said =~ /(\d+) requests in/ ? $1 : die "wrk said: $said";
    my $sum = 0;
    $sum += $_ for values %used;
    return $sum / $requests;
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

1;
