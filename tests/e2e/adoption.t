# kill -9 of the supervisor: nobody outside notices, and the next one takes over what runs, with the same pids.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to wait_until);
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
sub {
    my $env = shift;
    select undef, undef, undef, 1 if $env->{PATH_INFO} eq '/slow';
    return [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
}
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, stop: {grace: 5s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, stop: {grace: 5s}}
YAML

sub processes {
    return sort { $a <=> $b } map { $_->{pid} } map { @{ $_->{processes} } } @{ $site->status->{workers} };
}
sub is_alive { my ($pid) = @_; my $stat = Mpsup::Test::read_file("/proc/$pid/stat"); return $stat ne '' && $stat !~ /\) Z / }

sub kill_supervisor {
    my $pid = $site->supervisor_pid;
    kill 'KILL', $pid;
    wait_until(5, 'the supervisor is gone', sub { !is_alive($pid) });
    return;
}

sub serves {
    return request($files, '/a.txt')->{body} eq "a\n" && request($pages, '/')->{status} == 200;
}

# What the next supervisor says when it has taken over: "nothing changed".
sub take_over {
    my $began = time;
    my $out   = $site->must('up', $topology);
    return ($out, time - $began);
}

$site->must('up', $topology);
my @before = processes();

subtest 'the supervisor is killed' => sub {
    my $slow = connect_to($pages);
    syswrite $slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    sleep 0.1; # it has to be in the application when the supervisor dies
    kill_supervisor();
    my ($code, $out) = $site->mpsup('status');
    is $code, 4, 'status says that there is no supervisor';
    like $out, qr/no supervisor runs.*docs/s, 'and shows what was recorded last';
    ok serves(), 'everything serves on';
    like +(Mpsup::Test::read_reply($slow) // {})->{body}, qr/^\d+$/, 'the request in hand is answered';
    my ($told, $took) = take_over();
    like $told, qr/nothing changed/, 'the next one has nothing to do';
    is_deeply [processes()], \@before, 'every process is the same';
    is $site->worker($_)->{state}, 'ready', "$_ is ready" for qw(docs app);
    is $site->worker('app')->{ready}, 2, 'both children are known';
    ok serves(), 'and serves';
    cmp_ok $took, '<', 5, 'in a moment';
    diag sprintf 'taken over in %.2f s', $took;
};

subtest 'what is adopted is looked after' => sub {
    my ($child) = $site->pids('app', 'child');
    kill 'KILL', $child;
    wait_until(5, 'a child that dies is replaced', sub { my $app = $site->worker('app'); $app->{ready} == 2 && !grep { $_ == $child } $site->pids('app', 'child') });
    my ($light) = $site->pids('docs', 'light');
    kill 'KILL', $light;
    wait_until(5, 'a light worker that dies is replaced', sub { my $docs = $site->worker('docs'); $docs->{state} eq 'ready' && ($site->pids('docs', 'light'))[0] != $light });
    ok serves(), 'it serves';
    is $site->worker('docs')->{restarts}{crash}, 1, 'the crash is counted';
    my ($master) = $site->pids('app', 'master');
    kill 'KILL', $master;
    wait_until(10, 'a child of a dead master becomes master', sub { my ($now) = $site->pids('app', 'master'); $now && $now != $master && $site->worker('app')->{state} eq 'ready' });
    ok serves(), 'it serves';
};

subtest 'again, with a master that was a child' => sub {
    my @then = processes();
    kill_supervisor();
    ok serves(), 'everything serves on';
    take_over();
    is_deeply [processes()], \@then, 'every process is the same';
    is $site->worker('docs')->{restarts}{crash}, 1, 'what was counted is counted on';
};

subtest 'what dies while no supervisor runs' => sub {
    my ($child) = $site->pids('app', 'child');
    my ($light) = $site->pids('docs', 'light');
    kill_supervisor();
    kill 'KILL', $child;
    wait_until(5, 'the pool replaces its children by itself', sub { !is_alive($child) && request($pages, '/')->{status} == 200 });
    kill 'KILL', $light;
    take_over();
    ok serves(), 'a light worker is started again';
    is $site->worker('app')->{ready}, 2, 'the pool is whole';
    ok !(grep { $_ == $light } processes()), 'the dead are not listed';
};

subtest 'a master that dies while no supervisor runs' => sub {
    my ($master)   = $site->pids('app', 'master');
    my @children   = $site->pids('app', 'child');
    my $generation = $site->worker('app')->{generation};
    kill_supervisor();
    kill 'KILL', $master;
    wait_until(5, 'it is gone', sub { !is_alive($master) });
    ok serves(), 'its children serve on';
    take_over();
    wait_until(10, 'one of them becomes master', sub { my $app = $site->worker('app'); $app->{state} eq 'ready' && $app->{generation} == $generation });
    my ($heir) = $site->pids('app', 'master');
    ok +(grep { $_ == $heir } @children), 'of the same generation';
    ok serves(), 'it serves';
};

subtest 'a restart afterwards' => sub {
    like $site->must('restart'), qr/restarted/, 'is done';
    ok serves(), 'it serves';
};

subtest 'a changed topology at the takeover' => sub {
    my ($light) = $site->pids('docs', 'light');
    my ($master) = $site->pids('app', 'master');
    kill_supervisor();
    my $other = $site->topology(<<"YAML", 'other.yaml');
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, stop: {grace: 5s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, env: {COLOUR: blue}, stop: {grace: 5s}}
YAML
    $site->must('up', $other);
    is +($site->pids('docs', 'light'))[0], $light, 'what is unchanged is adopted';
    isnt +($site->pids('app', 'master'))[0], $master, 'what is changed is replaced';
    ok serves(), 'it serves';
    ok !is_alive($master), 'the old one is gone';
};

subtest 'one that says nothing' => sub {
    my ($light) = $site->pids('docs', 'light');
    kill 'STOP', $light;
    kill_supervisor();
    take_over();
    ok !is_alive($light), 'is killed';
    ok serves(), 'and replaced';
};

subtest 'down without a supervisor' => sub {
    my @then = processes();
    kill_supervisor();
    like $site->must('down'), qr/down/, 'is done by a new one';
    is_deeply [grep { is_alive($_) } @then], [], 'nothing is left';
    like +($site->mpsup('down'))[2], qr/not running/, 'again: nothing to do';
};

done_testing;
