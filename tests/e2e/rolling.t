# Rolling restarts under a checking load: nothing is lost, start first, and what fails leaves the old one in place.
use strict;
use warnings;
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request wait_until);
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', application());
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
$site->must('up', $site->topology(my $yaml = <<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 4}
YAML

subtest 'three restarts under load' => sub {
    # Sanitized binaries take longer to load.
    my $seconds = Mpsup::Test::build_dir() =~ m{(?:asan|tsan)$} ? 25 : 8;
    my $finish = start_load(port => $pages, seconds => $seconds, keep_alive => 16, one_shot => 4);
    my $first = $site->worker('app')->{generation};
    $site->must('restart', 'app') for 1 .. 3;
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    is $sum->{idle}, 0, 'every client was served';
    is_deeply [sort { $a <=> $b } keys %{ $sum->{generations} }], [$first .. $first + 3], 'all four generations were seen';
    my $worker = $site->worker('app');
    is $worker->{restarts}{planned}, 3, 'counted as planned';
    is $worker->{restarts}{crash},   0, 'and not as crashes';
};

subtest 'the static worker rolls too' => sub {
    my ($old) = $site->pids('docs', 'light');
    my $socket = Mpsup::Test::connect_to($files);
    my $ask = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    is Mpsup::Test::exchange($socket, $ask)->{status}, 200, 'a connection is open';
    my $pid = fork // die;
    if (!$pid) { $site->must('restart', 'docs'); POSIX::_exit(0) }
    wait_until(5, 'the new one', sub { my @all = $site->pids('docs', 'light'); grep { $_ != $old } @all });
    wait_until(5, 'it serves', sub { $site->worker('docs')->{generation} == 2 });
    my $reply = Mpsup::Test::exchange($socket, $ask);
    is $reply->{status}, 200, 'the open connection gets its answer';
    is lc $reply->{headers}{connection}, 'close', 'and is told that it was the last';
    waitpid $pid, 0;
    is $?, 0, 'restart ends well';
};

subtest 'a release that does not load' => sub {
    my @before = $site->pids('app', 'child');
    $site->write('app.psgi', "use strict;\nsub { \$undeclared }\n");
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    is $code, 6, 'exit 6: the old one was kept';
    like $err, qr/undeclared.*app\.psgi line 2/s, "Perl's own message, with file and line";
    is_deeply [$site->pids('app', 'child')], \@before, 'the same children serve on';
    is request($pages, '/')->{status}, 200, 'and answer';
};

subtest 'a release that answers 500' => sub {
    $site->write('app.psgi', "sub { die qq{broken release\\n} }\n");
    my ($code, $out, $err) = $site->mpsup('up', $site->topology($yaml =~ s/pool: 4/pool: 4, slow: 5s/r), '--timeout', '60s');
    is $code, 6, 'does not pass its gate';
    like $err, qr/answered 500/, 'and it is said what it answered';
    is request($pages, '/')->{status}, 200, 'the old one serves on';
    is $site->worker('app')->{wanted}, 4, 'and is what it was';
    unlike $site->must('history', '--worker', 'app'), qr/crash .*signal 9/, 'whose processes are ended with it has not crashed';
};

subtest 'up with a changed file' => sub {
    $site->write('app.psgi', application());
    my $other = free_port();
    my $added = free_port();
    my ($docs) = $site->pids('docs', 'light');
    $site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: ["127.0.0.1:$pages", "127.0.0.1:$other"], app: app.psgi, pool: 2}
  more: {kind: static, listen: "127.0.0.1:$added", root: root}
YAML
    is request($_, '/')->{status}, 200, "port $_ of the changed worker answers" for $pages, $other;
    is request($added, '/a.txt')->{status}, 200, 'the added worker answers';
    is $site->worker('app')->{ready}, 2, 'the pool has its new size';
    is_deeply [$site->pids('docs', 'light')], [$docs], 'what did not change was not touched';
    $site->must('up', $site->topology($yaml));
    ok !$site->worker('more'), 'a removed worker is gone';
    is request($_, '/page')->{status}, 307, "port $_, which nobody has any more, says where things are" for $added, $other;
    is request($pages, '/')->{status}, 200, 'the rest serves';
};

subtest 'one change at a time' => sub {
    $site->write('app.psgi', 'select undef, undef, undef, 1.5; ' . application()); # takes its time to load
    my $pid = fork // die;
    if (!$pid) { $site->mpsup('restart', 'app'); POSIX::_exit(0) }
    wait_until(5, 'the first is at work', sub { 2 == scalar $site->pids('app', 'master') });
    my ($code, $out, $err) = $site->mpsup('restart', 'docs');
    is $code, 8, 'exit 8 while another runs';
    like $err, qr/another change runs: restart/, 'which is named';
    waitpid $pid, 0;
};

done_testing;
