# kill -9 of every kind of process: replaced, each with an event of its own.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until);
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 3}
YAML

sub event_of {
    my ($pid, $kind) = @_;
    my ($event) = grep { $_->{pid} == $pid && $_->{event} eq $kind } $site->events;
    return $event;
}

subtest 'the static worker' => sub {
    my ($pid) = $site->pids('docs', 'light');
    kill 'KILL', $pid;
    wait_until(5, 'another process', sub { my ($new) = $site->pids('docs', 'light'); $new && $new != $pid && $site->worker('docs')->{state} eq 'ready' });
    is request($files, '/a.txt')->{status}, 200, 'serves again';
    my $event = wait_until(3, 'its event', sub { event_of($pid, 'exited') });
    is $event->{signal}, 9, 'with the signal';
    is $site->worker('docs')->{restarts}{crash}, 1, 'counted as a crash';
    is $site->worker('docs')->{restarts}{planned}, 0, 'not as planned';
};

subtest 'one child' => sub {
    my ($master) = $site->pids('app', 'master');
    my ($pid)    = $site->pids('app', 'child');
    select undef, undef, undef, 1.1; # a child that was ready for a second is replaced at once
    kill 'KILL', $pid;
    wait_until(5, 'another child', sub { my $w = $site->worker('app'); $w->{ready} == 3 && !grep { $_->{pid} == $pid } @{ $w->{processes} } });
    is_deeply [$site->pids('app', 'master')], [$master], 'the master is the same';
    my $event = wait_until(3, 'its event', sub { event_of($pid, 'child_exited') });
    is $event->{signal}, 9, 'with the signal';
    is $event->{restarts}{crash}, 1, 'and the count until then';
};

subtest 'the pool master' => sub {
    my ($master)   = $site->pids('app', 'master');
    my @children   = $site->pids('app', 'child');
    my $generation = $site->worker('app')->{generation};
    kill 'KILL', $master;
    my %served;
    for (1 .. 50) { # not one request is lost meanwhile
        my $reply = request($pages, '/');
        is $reply->{status}, 200, 'served' if !$reply || $reply->{status} != 200;
        $served{ $reply->{body} + 0 } = 1;
    }
    ok scalar(grep { my $pid = $_; grep { $_ == $pid } @children } keys %served), 'its children serve on';
    my ($heir) = @{ wait_until(20, 'one of them to be master', sub { my ($pid) = $site->pids('app', 'master'); $pid && $pid != $master && $site->worker('app')->{ready} == 3 ? [$pid] : undef }) };
    ok scalar(grep { $_ == $heir } @children), 'one of them becomes the master';
    is $site->worker('app')->{generation}, $generation, 'of the same generation: nothing was loaded again';
    my $event = wait_until(3, 'its event', sub { event_of($master, 'exited') });
    is $event->{signal}, 9, 'with the signal';
    ok wait_until(3, 'the event', sub { event_of($heir, 'promoted') }), 'the promotion is an event';
    wait_until(10, 'the other orphans leave', sub { !grep { $_ != $heir && kill 0, $_ } @children });
    my @gone = grep { $_->{event} eq 'child_exited' && ($_->{exit_code} // -1) == 0 } $site->events;
    cmp_ok scalar(@gone), '>=', 2, 'by being told to, not by being killed';
    is request($pages, '/')->{status}, 200, 'and it serves';
};

subtest 'a worker that keeps dying' => sub {
    $site->write('bad.psgi', q{my $n = 0; sub { kill 'KILL', $$ }});
    my $port = free_port();
    $site->topology(<<"YAML", 'dying.yaml');
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, restart: {burst: 3, window: 30s, backoff: 50ms}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 3}
YAML
    $site->must('up', $site->dir . '/dying.yaml');
    for (1 .. 3) {
        my ($pid) = wait_until(5, 'a process', sub { $site->worker('docs')->{state} eq 'ready' && ($site->pids('docs', 'light'))[0] });
        kill 'KILL', $pid;
        wait_until(5, 'it is gone', sub { !grep { $_ == $pid } $site->pids('docs', 'light') });
    }
    wait_until(5, 'it is given up', sub { $site->worker('docs')->{state} eq 'failed' });
    my ($event) = grep { $_->{event} eq 'failed' } $site->events;
    like $event->{reason}, qr/given up after 3 deaths.*signal 9/, 'and says why';
    is +($site->mpsup('status'))[0], 3, 'status tells by its exit code';
    is request($pages, '/')->{status}, 200, 'the other worker does not notice';
    $site->must('restart', 'docs');
    is request($files, '/a.txt')->{status}, 200, 'restart brings it back';
};

subtest 'no zombie is left' => sub {
    my $supervisor = $site->supervisor_pid;
    my @zombies = grep { Mpsup::Test::read_file("/proc/$_/stat") =~ /\) Z $supervisor / } map { m{/(\d+)$} } glob '/proc/[0-9]*';
    is_deeply \@zombies, [], 'below the supervisor';
};

done_testing;
