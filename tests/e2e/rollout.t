# Releases that are bad in each way a release can be: the old one serves on, the reason is on the screen and in the history.
use strict;
use warnings;
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;
use Time::HiRes qw(time sleep);

my $port = free_port();
my $site = new_site();
my $rolling = 'judge: {requests: 400, for: 20s}';

sub release {
    my ($code) = @_;
    return $site->write('app.psgi', $code);
}

sub text_of { return "sub { [200, ['Content-Type' => 'text/plain'], ['$_[0]']] }" }

# A load of plain requests in the background that only counts what it sees. Returns a function that ends it.
sub background {
    my ($clients) = @_;
    my @pids;
    for (1 .. $clients) {
        my $pid = fork // die;
        if (!$pid) {
            while (1) { eval { request($port, '/') }; }
        }
        push @pids, $pid;
    }
    return sub { kill 'KILL', @pids; waitpid $_, 0 for @pids };
}

sub up {
    my ($keys) = @_;
    return $site->topology("  app: {kind: dynamic, listen: \"127.0.0.1:$port\", app: app.psgi, $keys}\n");
}

sub events_of { my ($kind) = @_; return grep { $_->{event} eq $kind } $site->events('app') }

release(text_of('one'));
$site->must('up', up("pool: 2, rolling: {$rolling}, stop: {grace: 5s}"));
my ($master) = $site->pids('app', 'master');

subtest 'a release that does not get ready' => sub {
    release("warn qq{about to fail\\n}; die qq{no database\\n};");
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    is $code, 6, 'the old one was kept';
    like $err, qr/no database/, 'the reason is on the screen';
    like $err, qr/about to fail/, 'and what it wrote last';
    is request($port, '/')->{body}, 'one', 'the old one serves on';
    is_deeply [$site->pids('app', 'master')], [$master], 'and nothing of it was touched';
};

subtest 'a release that dies after ten requests' => sub {
    release("my \$n = 0; sub { kill KILL => \$\$ if ++\$n > 10; [200, [], ['two']] }");
    my $end = background(8);
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    $end->();
    is $code, 7, 'taken back' or diag $out, $err;
    like $err, qr/by the death of a child/, 'the reason is on the screen';
    is request($port, '/')->{body}, 'one', 'the old one serves on';
};

subtest 'a release that answers 500 to one in fifty' => sub {
    release("my \$n = 0; sub { ++\$n % 50 ? [200, [], ['three']] : [500, [], ['broken']] }");
    my $end = background(8);
    my $began = time;
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    $end->();
    note sprintf 'caught after %.1f s', time - $began;
    is $code, 7, 'taken back' or diag $out, $err;
    like $err, qr/\d+ of \d+ requests failed/, 'the reason is on the screen';
    like $err, qr/for example GET \/: answered 500: broken/, 'and an example';
    my ($judged) = grep { $_->{reason} =~ /^bad/ } reverse(events_of('judged'));
    like $judged->{reason}, qr/requests failed/, 'and in the history';
    is request($port, '/')->{body}, 'one', 'the old one serves on';
    is $site->worker('app')->{ready}, 2, 'whole';
    is_deeply [$site->pids('app', 'master')], [$master], 'it is the same one';
};

subtest 'a release that never answers' => sub {
    release("sub { sleep 60 if \$_[0]{HTTP_USER_AGENT} !~ /mpsup/; [200, [], ['late']] }");
    $site->must('up', up('pool: 2, rolling: {judge: {requests: 400, for: 8s}}, stop: {grace: 5s}'));
    my $end = background(8);
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    $end->();
    is $code, 7, 'taken back' or diag $out, $err;
    like $err, qr/have no answer since long/, 'the reason is on the screen';
    is request($port, '/')->{body}, 'one', 'the old one serves on';
    $site->must('up', up("pool: 2, rolling: {$rolling}, stop: {grace: 5s}"));
};

subtest 'a release that takes long is given up' => sub {
    release('sleep 60; sub { }');
    my $path = up("pool: 2, env: {A: '0'}, rolling: {$rolling}, stop: {grace: 5s}");
    my $pid  = fork // die;
    if (!$pid) { my ($code) = $site->mpsup('up', $path); POSIX::_exit($code) }
    wait_until(10, 'it loads', sub { grep { $_->{phase} eq 'loading' } @{ $site->worker('app')->{processes} } });
    my $began = time;
    like $site->must('abort'), qr/given up/, 'abort';
    waitpid $pid, 0;
    is $? >> 8, 6, 'no client has seen it';
    ok time - $began < 15, 'soon';
    is_deeply [$site->pids('app', 'master')], [$master], 'the old one serves on';
    unlike $site->must('history', '--since', '-1m', '--worker', 'app'), qr/crash.*SIGKILL/i, 'which is no crash';
};

subtest 'what was added ends while others are judged' => sub {
    release(text_of('judged'));
    my $added = free_port();
    my $path  = $site->topology("  app: {kind: dynamic, listen: \"127.0.0.1:$port\", app: app.psgi, pool: 2, env: {A: \"1\"}, "
            . "rolling: {judge: {requests: 400, for: 6s}}, stop: {grace: 5s}}\n"
            . "  added: {kind: dynamic, listen: \"127.0.0.1:$added\", app: app.psgi, pool: 1}\n");
    pipe my $from, my $to or die;
    my $pid = fork // die;
    if (!$pid) { my ($code, $out, $err) = $site->mpsup('up', $path); print {$to} $err; close $to; POSIX::_exit($code) }
    close $to;
    wait_until(20, 'the other is judged', sub { 2 <= grep { $_->{phase} eq 'serving' && $_->{role} eq 'master' } @{ $site->worker('app')->{processes} } });
    kill 'KILL', $site->pids('added', 'master');
    my $err = do { local $/; <$from> };
    waitpid $pid, 0;
    is $? >> 8, 7, 'what had served is taken back' or diag $err;
    like $err, qr/added generation 1 was ready and ended/, 'the reason is on the screen';
    is request($port, '/')->{body}, 'one', 'the old one serves on';
    ok !$site->worker('added'), 'what was added is gone';
};

subtest 'a good release under load' => sub {
    release(text_of('four'));
    my $end = background(8);
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    $end->();
    is $code, 0, 'is let in' or diag $err;
    like $out, qr/is judged good/, 'because it was judged';
    like $out, qr/child \d+: $_/, "child by child: $_" for qw(serving gone);
    is request($port, '/')->{body}, 'four', 'and serves';
};

subtest 'back to the generation that sleeps' => sub {
    wait_until(10, 'it has no children any more',
        sub { 2 == grep { $_->{role} eq 'child' } @{ $site->worker('app')->{processes} } });
    my ($sleeper) = grep { $_->{phase} eq 'sleeping' } @{ $site->worker('app')->{processes} };
    is $sleeper->{pid}, $master, 'the old master sleeps';
    my $woken = events_of('woken');
    my $began = time;
    my ($code, $out, $err) = $site->mpsup('rollback', 'app');
    my $took = time - $began;
    is $code, 0, 'rolled back' or diag $err;
    is request($port, '/')->{body}, 'one', 'the old code answers';
    ok request($port, '/')->{body} eq 'one', 'always' for 1 .. 10;
    ok $took < 3, sprintf 'after %.2f s', $took;
    is scalar(events_of('woken')), $woken + 1, 'it is in the history';
};

subtest 'a canary is promoted, or aborted' => sub {
    release(text_of('five'));
    $site->must('up', up('pool: 2, rolling: {steps: [1, pause, 100%]}, stop: {grace: 5s}'));
    is request($port, '/')->{body}, 'one', 'other rolling makes no other generation';
    for my $word ('abort', 'promote') {
        my $pid = fork // die;
        if (!$pid) { my ($code) = $site->mpsup('restart', 'app'); POSIX::_exit($code) }
        wait_until(15, 'it pauses', sub { grep { $_->{phase} eq 'serving' && $_->{role} eq 'master' && $_->{pid} != $master }
            @{ $site->worker('app')->{processes} } });
        my ($other) = $site->mpsup('restart', 'app');
        is $other, 8, 'no other change meanwhile';
        like $site->must('status'), qr/^restart runs: app generation \d+ is pausing \(mpsup promote, mpsup abort\)$/m, 'status says who is waited for';
        my %seen;
        my $end = time + 10;
        while (time < $end && keys %seen < 2) { ++$seen{ request($port, '/')->{body} } }
        is_deeply [sort keys %seen], [qw(five one)], 'both generations answer' if $word eq 'promote';
        $site->must($word);
        waitpid $pid, 0;
        is $? >> 8, $word eq 'abort' ? 7 : 0, "$word: its exit code";
        is request($port, '/')->{body}, $word eq 'abort' ? 'one' : 'five', "$word: who serves then";
        is $site->worker('app')->{ready}, 2, 'whole';
    }
};

subtest 'a pool of one, in haste' => sub {
    $site->must('up', up('pool: 1, rolling: {surge: 0, unavailable: 1, judge: on}, stop: {grace: 5s}'));
    release(text_of('six'));
    my $began = time;
    $site->must('restart', 'app', '--fast');
    is request($port, '/')->{body}, 'six', 'it rolls';
    ok time - $began < 5, 'without waiting for a verdict';
};

subtest 'reload reads the file again' => sub {
    release(text_of('seven'));
    up('pool: 3, stop: {grace: 5s}');
    $site->must('reload');
    is request($port, '/')->{body}, 'seven', 'the code';
    is $site->worker('app')->{ready}, 3, 'and the file';
    my ($code, $out, $err) = $site->mpsup('promote');
    is $code, 1, 'nothing is left to promote';
};

subtest 'a worker that has none that sleeps stays as it is' => sub {
    $site->must('up', up('pool: 3, env: {B: "1"}, rolling: {keep: 0s}, stop: {grace: 5s}'));
    wait_until(10, 'nothing sleeps', sub { 1 == (() = $site->pids('app', 'master')) });
    my @then = $site->pids('app', 'master');
    my ($code, $out, $err) = $site->mpsup('rollback', 'app');
    is $code, 1, 'rollback of it alone';
    like $err, qr/app: no generation sleeps/, 'says why not';
    is_deeply [$site->pids('app', 'master')], \@then, 'and applies no other topology';
};

subtest 'back to the topology before, when nothing sleeps' => sub {
    $site->must('up', up('pool: 3, env: {A: "1"}, rolling: {keep: 0s}, stop: {grace: 5s}'));
    my $noted = $site->dir . '/noted';
    my $hooks = qq(hooks: {pre_roll: {exec: ["false"]}, post_roll: {exec: [sh, -c, 'echo "\$\$MPSUP_REASON" >> $noted']}});
    $site->must('up', up(qq(pool: 3, env: {A: "1"}, rolling: {keep: 0s, steps: [1, pause, 100%], judge: on}, $hooks, stop: {grace: 5s})));
    $site->must('up', up('pool: 3, env: {A: "2"}, rolling: {keep: 0s}, stop: {grace: 5s}'));
    release('sub { [200, [], [$ENV{A}]] }');
    $site->must('restart', 'app');
    is request($port, '/')->{body}, '2', 'the new one';
    my $began = time;
    my ($code, $out, $err) = $site->mpsup('rollback');
    is $code, 0, 'rolls back, whatever a pre_roll would say' or diag $err;
    cmp_ok time - $began, '<', 8, 'without the pauses and the verdict of that topology';
    is request($port, '/')->{body}, '1', 'to what was applied before';
    is $site->worker('app')->{ready}, 3, 'all of it';
    wait_until(5, 'post_roll', sub { read_file($noted) =~ /settled/ });
    pass 'post_roll is told';
};

# What sleeps knows the other workers as they were: it is no way back from a conversion.
subtest 'back from a conversion' => sub {
    my ($here, $there) = (free_port(), free_port());
    mkdir $site->dir . "/$_" for 'root', 'root/static', 'root/files';
    my $two = sub {
        my ($docs, $serves) = @_;
        return $site->write('two.yaml', <<"YAML");
site: test
links: redirect
moved: 0s
workers:
  docs: {kind: static, listen: "127.0.0.1:$docs", root: root, serves: [$serves]}
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 2, stop: {grace: 5s}}
YAML
    };
    release('sub { [200, [], ["$ENV{MPSUP_STATIC_URL} $ENV{MPSUP_LINKS}"]] }');
    my $is_at = sub {
        my ($docs, $serves, $why) = @_;
        is request($port, '/')->{body}, "http://127.0.0.1:$docs http://127.0.0.1:$port / http://127.0.0.1:$docs $serves", $why;
        is request($docs, '/static/none')->{status}, 404, 'and so they are';
    };
    $site->must('up', $two->($here, '/static/'));
    $site->must('up', $two->($there, '/static/'));
    $is_at->($there, '/static/', 'it is told where files are');
    $site->must('rollback');
    $is_at->($here, '/static/', 'and where they were, when it is all taken back');
    $site->must('up', $two->($here, '/static/, /files/'));
    is request($port, '/files/')->{status}, 307, 'another path is not its own';
    $site->must('rollback');
    $is_at->($here, '/static/', 'the paths are as they were');
    is request($port, '/files/')->{status}, 200, 'it has the path again';
    release(text_of('new'));
    $site->must('restart', 'app');
    is request($port, '/')->{body}, 'new', 'a release';
    like $site->must('rollback'), qr/app: rolled back/, 'and what has seen no conversion is woken';
};

done_testing;
