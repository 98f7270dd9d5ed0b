# One supervisor a site, in the background or in the foreground. That another takes over is in adoption.t.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until);
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
my $hold = $site->dir . '/hold'; # as long as it is there, nothing more is loaded
$site->write('app.psgi', "BEGIN { select undef, undef, undef, 0.02 while -e '$hold' }\n" . <<'APP');
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
$site->must('up', $topology);
subtest 'one supervisor a site' => sub {
    my ($code, $out, $err) = $site->mpsup('supervise', '--site', 'test');
    is $code, 1, 'a second one ends at once';
    like $err, qr/another supervisor of this site runs \(pid @{[$site->supervisor_pid]}\)/, 'and says why, and which runs';
};

subtest 'sockets that somebody took away' => sub {
    my $pid = $site->supervisor_pid;
    my @sockets = map { "$site->{state}/run/test/$_/socket" } qw(control contract);
    for (['status'], ['up', $topology]) {
        unlink @sockets; # which are made anew at a health check
        my ($code, $out, $err) = $site->mpsup(@$_);
        isnt $code, 0, "$_->[0] is not done";
        like $err, qr/the supervisor of site test \(pid $pid\) runs .* `kill -USR1 $pid`/s, '  and names the process and the remedy';
    }
    kill 'USR1', $pid;
    wait_until(5, 'the sockets are there again', sub { @sockets == grep { -S } @sockets });
    is $site->supervisor_pid, $pid, 'it answers';
    $site->must('restart'); # new processes find the other one
};

subtest 'whoever does not wait any longer' => sub {
    my $generation = $site->worker('app')->{generation};
    $site->write('hold', '');
    my ($out, $err) = map { $site->dir . "/waiter.$_" } qw(out err);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{INT} = 'DEFAULT';
        open STDOUT, '>', $out or die;
        open STDERR, '>', $err or die;
        exec $site->command('restart', 'app') or die "exec: $!";
    }
    wait_until(10, 'it is under way', sub { -s $out });
    kill 'INT', $pid;
    waitpid $pid, 0;
    is $?, 2, 'ends by the signal';
    is Mpsup::Test::read_file($err), "\nmpsup: interrupted; it goes on, see `mpsup status`\n", 'and is told what does not';
    unlink $hold;
    ok wait_until(20, 'it is done', sub { my $app = $site->worker('app'); $app->{generation} == $generation + 1 && $app->{state} eq 'ready' }), 'which comes to its end';
};

subtest 'a state folder that cannot be written' => sub {
    my $other = Mpsup::Test::new_site();
    mkdir "$other->{state}"; mkdir "$other->{state}/test"; mkdir "$other->{state}/test/lock"; # as good as one
    my ($code, $out, $err) = $other->mpsup('up', $topology);
    is $code, 1, 'up fails';
    like $err, qr{test/lock: Is a directory}, 'and says at what';
};

subtest 'down while up waits' => sub {
    my $other = Mpsup::Test::new_site();
    $other->write('never.psgi', "sleep 600;\n");
    my $file = $other->topology("  app: {kind: dynamic, listen: '127.0.0.1:@{[free_port]}', app: never.psgi, pool: 1}\n");
    my $pid = fork // die;
    if (!$pid) { my ($code) = $other->mpsup('up', $file); require POSIX; POSIX::_exit($code) }
    wait_until(10, 'it starts', sub { eval { scalar @{ $other->worker('app')->{processes} } } });
    my ($code, $out, $err) = $other->mpsup('down');
    is $code, 0, 'down is done' or diag $err;
    waitpid $pid, 0;
    isnt $? >> 8, 0, 'up is not';
};

subtest 'in the foreground' => sub {
    $site->must('down');
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', $site->dir . '/foreground.out' or die;
        open STDERR, '>', $site->dir . '/foreground.err' or die;
        exec Mpsup::Test::build_dir() . '/mpsup', '--state-dir', $site->{state}, 'up', '--foreground', $topology or die;
    }
    eval { wait_until(10, 'it serves', sub { eval { request($pages, '/')->{status} == 200 } }) } or diag Mpsup::Test::read_file($site->dir . '/foreground.err');
    is $site->supervisor_pid, $pid, 'it is the process that was started';
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is $?, 0, 'SIGTERM ends it well';
    like Mpsup::Test::read_file($site->dir . '/foreground.out'), qr/site test is up/, 'and it told what it did';
    ok !eval { request($pages, '/') }, 'nobody listens any more';
};

done_testing;
