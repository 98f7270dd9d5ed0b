# A pool of hundreds: nothing of what its master says is lost, whatever comes at once. MPSUP_LARGE_POOL=1000 is the most there may be.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;
use Time::HiRes qw(time);

my $count = $ENV{MPSUP_LARGE_POOL} // 300;
my $usual = 1024; # soft limit of descriptors, as systems have it; a child takes three of its master's
exec '/bin/sh', '-c', qq{ulimit -Sn $usual; exec "\$@"}, 'sh', $^X, (map { "-I$_" } @INC), $0 if !$ENV{MPSUP_LIMITED}++;

my $site = new_site();
my $port = free_port();
$site->write('app.psgi', <<'APP');
sub { open my $in, '<', '/proc/self/limits'; my ($limit) = map { /^Max open files\s+(\d+)/ ? $1 : () } <$in>;
      [200, ['Content-Type' => 'text/plain'], ["$$ $limit"]] }
APP
my $topology = $site->topology(qq{  perl: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: $count, health: {every: 60s}}\n});

sub timed {
    my ($what, $do) = @_;
    my $began  = time;
    my $result = $do->();
    diag sprintf '%s: %.1f s', $what, time - $began;
    return $result;
}
sub run_verb { my (@arguments) = @_; return timed("mpsup $arguments[0]", sub { my ($code, $out, $err) = $site->mpsup(@arguments); diag $out, $err if $code; $code }) }
sub pool     { my $worker = $site->worker('perl'); return "$worker->{ready} of $worker->{wanted}, $worker->{state}" }
sub children { my @pids = sort { $a <=> $b } $site->pids('perl', 'child'); return @pids }
my $whole = "$count of $count, ready";

is run_verb('up', $topology), 0, "a pool of $count comes up";
is pool(), $whole, 'and each of it is known';
my ($pid, $limit) = split / /, request($port, '/')->{body};
is $limit, $usual, 'the application has the limit of descriptors that the site was started with';

is run_verb('restart', 'perl'), 0, 'another takes its place';
is pool(), $whole, 'and each of that is known';
is $site->worker('perl')->{generation}, 2, 'it is the second';

kill 'KILL', (children())[0 .. 9];
wait_until(10, 'ten crashes are counted', sub { $site->worker('perl')->{restarts}{crash} == 10 });
wait_until(20, 'they are replaced', sub { pool() eq $whole && $count == children() });

my @before     = children();
my $supervisor = $site->supervisor_pid;
kill 'KILL', $supervisor;
wait_until(5, 'it is gone', sub { !kill 0, $supervisor });
is run_verb('up', $topology), 0, 'the next supervisor takes over';
wait_until(10, 'it knows all', sub { pool() eq $whole });
is_deeply [children()], \@before, 'each with its pid';
is $site->worker('perl')->{restarts}{crash}, 10, 'nothing has crashed by it';

is run_verb('scale', 'perl=20'), 0, 'it shrinks';
is pool(), '20 of 20, ready', 'to twenty';
is run_verb('scale', "perl=$count"), 0, 'and grows again';
is pool(), $whole, 'to all';

my ($master) = $site->pids('perl', 'master');
kill 'KILL', $master;
wait_until(30 + $count / 10, "one of them is master", sub { my ($now) = $site->pids('perl', 'master'); $now && $now != $master && pool() eq $whole });
wait_until(30 + $count / 10, "the others have gone", sub { $count == children() });
is request($port, '/')->{status}, 200, 'a master that dies is succeeded by a child';

is run_verb('down'), 0, 'it stops';
done_testing;
