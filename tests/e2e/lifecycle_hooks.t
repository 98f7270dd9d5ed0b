# What is called when something happens: programs and webhooks. (hooks.t is about those of Perl.)
use strict;
use warnings;
use IO::Select;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $site = new_site();
my ($port, $web) = (free_port(), free_port());
my $dir = $site->dir;
$site->write('app.psgi', "die qq{broken\\n} if -e '$dir/broken'; sub { [-e '$dir/sick' ? 500 : 200, ['Content-Type' => 'text/plain'], [qq{\$\$\\n}]] }");
chmod 0755, $site->write('note', <<"SH");
#!/bin/sh
echo "\$1 \$MPSUP_EVENT \$MPSUP_SITE \$MPSUP_WORKER \$MPSUP_GENERATION \$MPSUP_ALERT \$MPSUP_REASON" >> $dir/notes
test -e $dir/hang_\$MPSUP_EVENT && sleep 100
test -e $dir/fail_\$MPSUP_EVENT && { echo "not today"; exit 3; }
exit 0
SH

# A web server that writes down what is posted.
my $listener = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', LocalPort => $web, ReuseAddr => 1) or die;
my $server = fork // die;
if (!$server) {
    $SIG{TERM} = 'DEFAULT';
    while (my $client = $listener->accept) {
        my $bytes = '';
        while ($bytes !~ /\r\n\r\n/) { sysread $client, $bytes, 4096, length $bytes or last }
        my ($length) = $bytes =~ /Content-Length: (\d+)/i;
        my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
        while (length $body < ($length // 0)) { sysread $client, $body, 4096, length $body or last }
        if (-e "$dir/deaf") { sleep 30 }
        open my $out, '>>', "$dir/posts" or die;
        syswrite $out, (split /\r\n/, $head)[0] . " $body\n";
        syswrite $client, (-e "$dir/refuse" ? "HTTP/1.1 500 No\r\n" : "HTTP/1.1 204 Good\r\n") . "Content-Length: 0\r\n\r\n";
        close $client;
    }
    POSIX::_exit(0);
}
my $parent = $$;
END { kill 'KILL', $server if $server && $$ == $parent }

sub topology {
    my ($options) = @_;
    return $site->write('site.yaml', <<"YAML");
site: test
hooks:
  post_ready: [{exec: [./note, site]}]
  on_alert: [{webhook: "http://127.0.0.1:$web/alerts?from=mpsup", timeout: 1s}]
workers:
  app:
    kind: dynamic
    listen: 127.0.0.1:$port
    app: app.psgi
    pool: 1
    restart: {burst: 2, backoff: 20ms}
    rolling: {keep: 0s, gate: {deadline: 2s}}
    health: {every: 200ms}
    hooks:
      pre_start: {exec: [./note, one]}
      post_ready: [{exec: [./note, two]}, {webhook: "http://127.0.0.1:$web/ready"}]
      pre_stop: {exec: [./note, three], timeout: 2s}
      post_exit: {exec: [./note, four]}
      pre_roll: {exec: [./note, five], timeout: 1s}
      post_roll: {exec: [./note, six]}
$options
YAML
}
sub notes { my ($pattern) = @_; return grep { /$pattern/ } split /\n/, read_file("$dir/notes") }
sub posts { my ($path) = @_; return map { decode_json(s/\A\S+ \S+ \S+ //r) } grep { m{\APOST \Q$path\E } } split /\n/, read_file("$dir/posts") }
sub hook_events { return grep { $_->{event} =~ /\Ahook_/ } $site->events }

subtest 'a start' => sub {
    $site->must('up', topology(''));
    wait_until(5, 'all of them', sub { notes(qr/^two/) && posts('/ready') });
    my @notes = notes(qr/./);
    like $notes[0], qr/\Aone pre_start test app \d+/, 'pre_start comes first and is told who is meant';
    like $notes[1], qr/\Asite post_ready test app \d+/, 'then those of the site';
    like $notes[2], qr/\Atwo post_ready test app \d+/, 'then those of the worker';
    my ($post) = posts('/ready');
    is $post->{$_->[0]}, $_->[1], "the webhook is told $_->[0]" for ['event', 'post_ready'], ['site', 'test'], ['worker', 'app'], ['version', 1];
    wait_until(3, 'events', sub { grep { $_->{event} eq 'hook_ran' && $_->{reason} =~ /post_ready http/ } $site->events });
};

subtest 'a roll' => sub {
    unlink "$dir/notes";
    $site->must('restart', 'app');
    wait_until(5, 'all of them', sub { notes(qr/post_roll/) && notes(qr/post_exit/) });
    my @events = map { (split / /)[1] } notes(qr/^(?!site)/);
    is $events[0], 'pre_roll', 'pre_roll comes before all';
    is $events[1], 'pre_start', 'then the start';
    my %at; $at{ $events[$_] } //= $_ for 0 .. $#events;
    cmp_ok $at{pre_stop}, '>', $at{pre_start}, 'the old one is stopped afterwards';
    cmp_ok $at{post_exit}, '>', $at{pre_stop}, 'and its end comes last';
    like +(notes(qr/post_roll/))[0], qr/settled/, 'post_roll is told how it ended';
};

subtest 'pre_roll says no' => sub {
    my ($pid) = $site->pids('app', 'master');
    for my $how ('fail', 'hang') {
        $site->write("${how}_pre_roll", '');
        my ($code, $out, $err) = $site->mpsup('restart', 'app');
        is $code, 6, "$how: the old one is kept";
        like $out . $err, $how eq 'fail' ? qr/pre_roll .*note exited with code 3: not today/ : qr/pre_roll .*took longer than 1000 ms and was killed/, 'and it is said why';
        is_deeply [$site->pids('app', 'master')], [$pid], 'nothing happened';
        unlink "$dir/${how}_pre_roll";
    }
    $site->write('fail_pre_roll', '');
    my ($code, $out, $err) = $site->mpsup('up', topology("    env: {A: b}\n"));
    is $code, 6, 'up is a roll too';
    unlink "$dir/fail_pre_roll";
    is request($port, '/')->{status}, 200, 'it serves';
};

subtest 'pre_start says no' => sub {
    $site->write('fail_pre_start', '');
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    is $code, 6, 'the old one is kept';
    like $out . $err, qr/pre_start .*note exited with code 3: not today/, 'and it is said why';
    unlink "$dir/fail_pre_start";
    my ($alert) = @{ wait_until(5, 'the alert', sub { my @p = grep { $_->{alert} eq 'gate_failed' } posts('/alerts?from=mpsup'); @p ? \@p : undef }) };
    like $alert->{reason}, qr/pre_start/, 'a generation that does not get there is an alert';
    ok !(grep { $_->{alert} eq 'rollout_taken_back' } posts('/alerts?from=mpsup')), 'but nothing was taken back from clients';
};

subtest 'a gate that fails' => sub {
    my $failed = sub { scalar grep { $_->{alert} eq 'gate_failed' && $_->{reason} =~ /health checks|500/ } posts('/alerts?from=mpsup') };
    $site->write('sick', '');
    my ($code) = $site->mpsup('restart', 'app');
    is $code, 6, 'the old one is kept';
    wait_until(5, 'the alert', sub { $failed->() == 1 });
    pass 'is an alert';
    my $other = free_port();
    ($code) = $site->mpsup('up', topology(qq{  added: {kind: dynamic, app: app.psgi, listen: "127.0.0.1:$other", rolling: {gate: {deadline: 2s}}}\n}));
    is $code, 6, 'a worker that is added and fails is taken back';
    wait_until(5, 'the alert', sub { $failed->() == 2 });
    pass 'that is an alert too';
    unlink "$dir/sick";
    $site->must('up', topology(''));
    is $failed->(), 2, 'each once';
};

subtest 'hooks that fail or hang' => sub {
    $site->write($_, '') for qw(fail_post_ready hang_pre_stop refuse);
    my $began = time;
    $site->must('restart', 'app');
    cmp_ok time - $began, '<', 20, 'hold up nothing for longer than their deadline';
    is request($port, '/')->{status}, 200, 'it serves';
    my @reasons;
    wait_until(10, 'their events', sub { @reasons = map { $_->{reason} } grep { $_->{event} eq 'hook_failed' } $site->events; (grep { /pre_stop/ } @reasons) && grep { /answered 500/ } @reasons });
    ok scalar(grep { /post_ready .*not today/ } @reasons), 'what failed is an event';
    ok scalar(grep { /pre_stop .*took longer than 2000 ms/ } @reasons), 'what hung is one';
    unlink map { "$dir/$_" } qw(fail_post_ready hang_pre_stop refuse);
};

subtest 'a worker that is given up' => sub {
    $site->write('broken', '');
    for (1 .. 5) {
        my @pids = map { $site->pids('app', $_) } qw(master child);
        kill 'KILL', @pids if @pids;
        last if $site->worker('app')->{state} eq 'failed';
        sleep 0.5;
    }
    wait_until(20, 'given up', sub { $site->worker('app')->{state} eq 'failed' });
    my ($post) = @{ wait_until(5, 'the alert', sub { my @p = grep { $_->{alert} eq 'worker_failed' } posts('/alerts?from=mpsup'); @p ? \@p : undef }) };
    is $post->{worker}, 'app', 'is an alert';
    like $post->{reason}, qr/given up after \d+ deaths/, 'with its reason';
    ok scalar(grep { $_->{event} eq 'alert' && $_->{reason} =~ /worker_failed/ } $site->events), 'and an event';
    unlink "$dir/broken";
    $site->must('reset', 'app');
};

subtest 'a damaged database' => sub {
    my $database = "$site->{state}/test/state.db";
    unlink $database, "$database-wal", "$database-shm";
    wait_until(10, 'the alert', sub { grep { $_->{alert} eq 'store_damaged' } posts('/alerts?from=mpsup') });
    pass 'is an alert';
};

subtest 'other hooks' => sub {
    my ($pid) = $site->pids('app', 'master');
    $site->write('site.yaml', read_file(topology('')) =~ s/three\]/drei]/r);
    $site->must('up', "$dir/site.yaml");
    is_deeply [$site->pids('app', 'master')], [$pid], 'restart nobody';
    $site->must('down');
    ok scalar(notes(qr/^drei pre_stop/)), 'and are called at down';
    ok scalar(notes(qr/^four post_exit/)), 'which waits for those that run';
};

subtest 'what is wrong in the file' => sub {
    for my $bad (['{webhook: "https://a/"}', qr/by https: known, not in this version/], ['{webhook: "ftp://a/"}', qr/must be http:/],
        ['{exec: [nosuchprogram]}', qr/no such program/], ['{}', qr/either `exec` or `webhook`/], ['{exec: [sh], tiemout: 1s}', qr/unknown key `tiemout`/])
    {
        $site->topology("  app: {kind: dynamic, listen: '127.0.0.1:$port', app: app.psgi, hooks: {pre_start: $bad->[0]}}\n", 'bad.yaml');
        my ($code, $out, $err) = $site->mpsup('validate', "$dir/bad.yaml");
        is $code, 78, "$bad->[0] is refused";
        like $out . $err, $bad->[1], 'with its reason';
    }
};

done_testing;
