# The three probes of a worker, and the three ways to ask.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $site = new_site();
my %port = map { $_ => free_port() } qw(app files tcp other);
my $dir = $site->dir;
$site->write('app.psgi', <<"APP");
my \$born = time;
sub {
    my \$env = shift;
    return [503, [], ["warming up\\n"]] if \$env->{PATH_INFO} eq '/started' && !-e '$dir/started';
    return [500, [], ["ill\\n"]] if \$env->{PATH_INFO} eq '/ready' && -e '$dir/ill';
    [200, ['Content-Type' => 'text/plain'], ["\$\$\\n"]];
}
APP
mkdir "$dir/root";
$site->write('root/a.txt', "a\n");
$site->write('started', '');
chmod 0755, $site->write('check', <<"SH");
#!/bin/sh
echo "\$MPSUP_SITE \$MPSUP_WORKER \$MPSUP_GENERATION \$COLOUR" > $dir/checked
test -S "\$MPSUP_SOCKET" || exit 9
test -e $dir/hang && sleep 100
test -e $dir/dead && { echo "the disk is full"; exit 3; }
exit 0
SH
my $app = <<"YAML";
  app:
    kind: dynamic
    listen: 127.0.0.1:$port{app}
    app: app.psgi
    pool: 1
    env: {COLOUR: blue}
    rolling: {keep: 0s, gate: {deadline: 3s}}
    health:
      every: 200ms
      startup: {http: /started, within: 3s}
      readiness: {http: /ready}
      liveness: {exec: [./check], every: 200ms, timeout: 500ms, fails: 2}
  files: {kind: static, listen: "127.0.0.1:$port{files}", root: root, health: {readiness: {tcp: "127.0.0.1:$port{tcp}", every: 200ms}}}
YAML
my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', LocalPort => $port{tcp}, ReuseAddr => 1) or die;
my $topology = $site->topology($app);
$site->must('up', $topology);
my $generation = sub { $site->worker($_[0])->{generation} };

subtest 'a readiness probe' => sub {
    my $before = $generation->('app');
    $site->write('ill', '');
    wait_until(5, 'it is ill', sub { $site->worker('app')->{health}{state} eq 'unhealthy' });
    sleep 1;
    is $generation->('app'), $before, 'replaces nobody';
    unlink "$dir/ill";
    wait_until(5, 'it is well', sub { $site->worker('app')->{health}{state} eq 'healthy' });
};

subtest 'a liveness probe by a program' => sub {
    like read_file("$dir/checked"), qr/\Atest app \d+ blue\n/, 'it is told who is meant';
    my $before = $generation->('app');
    $site->write('dead', '');
    wait_until(10, 'a successor', sub { $generation->('app') > $before });
    unlink "$dir/dead";
    is request($port{app}, '/')->{status}, 200, 'serves';
    my ($event) = grep { ($_->{reason} // '') =~ /^replaced, 2 probes failed in a row/ } $site->events;
    like $event->{reason}, qr/check exited with code 3: the disk is full/, 'and the event says what the program said';
    wait_until(5, 'all is well', sub { $site->worker('app')->{state} eq 'ready' });
};

subtest 'a program that hangs' => sub {
    wait_until(5, 'quiet', sub { $site->worker('app')->{state} eq 'ready' });
    my $before = $generation->('app');
    $site->write('hang', '');
    wait_until(10, 'a successor', sub { $generation->('app') > $before });
    unlink "$dir/hang";
    ok scalar(grep { ($_->{reason} // '') =~ /took longer than 500 ms and was killed/ } $site->events), 'has failed';
    wait_until(5, 'none is left', sub { my $all = `ps -eo args`; $all !~ /\Q$dir\E\/check/ });
};

subtest 'a connection' => sub {
    is $site->worker('files')->{health}{state}, 'healthy', 'passes';
    close $listener;
    wait_until(5, 'it is ill', sub { $site->worker('files')->{health}{state} eq 'unhealthy' });
    like $site->worker('files')->{health}{why}, qr/connect to 127\.0\.0\.1:$port{tcp}: Connection refused/, 'it is said why';
    is request($port{files}, '/a.txt')->{status}, 200, 'and it serves on';
};

subtest 'a startup probe' => sub {
    unlink "$dir/started";
    my $before = $generation->('app');
    my ($code, $out, $err) = $site->mpsup('restart', 'app', '--timeout', '60s'); # rolling.deadline and within
    is $code, 6, 'what does not pass it is not let in' or diag $out, $err;
    like $err . $out, qr/warming up/, 'and it is said what it answered';
    is request($port{app}, '/')->{status}, 200, 'the old one serves on';
    $site->write('started', '');
    $site->must('restart', 'app');
    cmp_ok $generation->('app'), '>', $before, 'and what passes is';
};

subtest 'what is wrong in the file' => sub {
    $site->topology(qq{  files: {kind: static, listen: "127.0.0.1:$port{other}", root: root, health: {liveness: {exec: [nosuchprogram]}}}\n}, 'bad.yaml');
    my ($code, $out, $err) = $site->mpsup('validate', "$dir/bad.yaml");
    is $code, 78, 'is refused';
    like $err . $out, qr/no such program/, 'and said';
};

done_testing;
