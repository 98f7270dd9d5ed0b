# mpsup history, status --at and sql: what a site went through, while it runs and afterwards.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port wait_until request);
use POSIX       qw(strftime);
use Test::More;
use Time::HiRes qw(time sleep);

$ENV{COLUMNS} = 80;
my $site = new_site();
my $port = free_port();
mkdir $site->dir . '/root';
$site->write('root/a.txt', "hello\n");
my $began = time;
my $file  = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$port", root: root, restart: {burst: 5, backoff: 10ms}}
YAML
$site->must('up', $file);

sub history { return decode_json($site->must('history', '-o', 'json', @_)) }
# What the supervisor says is on the disk milliseconds later.
sub settled {
    my ($count) = @_;
    return wait_until(10, "$count rollouts on record", sub {
        my @rollouts = rollouts();
        return @rollouts == $count && $rollouts[-1]{verdict} ne 'running' ? \@rollouts : undef;
    });
}
sub rollouts { return grep { $_->{type} eq 'rollout' } @{ history(@_)->{history} } }

sub say_in_log {
    open my $log, '>>', "$site->{state}/test/log/docs.log" or die $!;
    print {$log} map { "$_\n" } @_;
    close $log or die $!;
    return;
}

sub fits {
    my ($what, @arguments) = @_;
    my $text = $site->must(@arguments);
    is_deeply [grep { length > 80 } split /\n/, $text], [], "$what: 80 columns are enough";
    return $text;
}

subtest 'rollouts' => sub {
    my ($up) = @{ settled(1) };
    is_deeply [@{$up}{qw(verb verdict exit_code workers)}], ['up', 'done', 0, []], 'up';
    like $up->{digest}, qr/\Asha256:/, 'of what';
    say_in_log('of the first');
    $site->must('restart', 'docs');
    my (undef, $restart) = @{ settled(2) };
    is_deeply [@{$restart}{qw(verb verdict workers from_generation to_generation)}], ['restart', 'done', ['docs'], 1, 2], 'restart';
    cmp_ok $restart->{ended_ms}, '>=', $restart->{at_ms}, 'it ended';
    my ($code) = $site->mpsup('restart', 'nobody');
    isnt $code, 0, 'a restart of nobody';
    is(settled(3)->[-1]{verdict}, 'aborted', 'is on record too');
};

subtest 'a crash, and what was said last' => sub {
    say_in_log(map { "line $_" } 1 .. 7);
    my ($pid) = $site->pids('docs', 'light');
    kill KILL => $pid;
    wait_until(10, 'another serves', sub { my $docs = $site->worker('docs'); $docs->{ready} && $docs->{restarts}{crash} });
    my $past = wait_until(10, 'it is recorded', sub {
        my $past = history();
        return (grep { $_->{type} eq 'crash' } @{ $past->{history} }) ? $past : undef;
    });
    my ($crash) = grep { $_->{type} eq 'crash' } @{ $past->{history} };
    is_deeply [@{$crash}{qw(worker pid signal reason)}], ['docs', $pid, 9, 'crash'], 'who';
    is_deeply $crash->{last_lines}, [map { "line $_" } 1 .. 7], 'its lines, and none of the generation before';
    is_deeply $past->{restarts}, [{worker => 'docs', crash => 1, planned => 1}], 'crashes and planned restarts apart';
};

subtest 'for people' => sub {
    my $text = fits('history', 'history');
    like $text, qr/\AWHEN +WHAT +WORKER +HOW\n/, 'headings';
    like $text, qr/  supervisor +- +started, pid \d+\n/, 'the supervisor';
    like $text, qr/  up +all +done in \S+: site test is up\n/, 'up';
    like $text, qr/  topology +- +sha256:[0-9a-f]{12} /, 'topology';
    like $text, qr/  crash +docs +light pid \d+, killed by signal 9.*\n    line 5\n    line 6\n    line 7\n/, 'crash';
    like $text, qr/\n\nRESTARTS OF +CRASH +PLAN\ndocs +1 +1\n\z/, 'counts';
    unlike fits('of one worker', 'history', '--worker', 'docs'), qr/supervisor|topology/, 'of one worker';
    my @lines = grep { /\A\d/ } split /\n/, fits('the last', 'history', '-n', 1);
    is scalar @lines, 1, '-n';
    is scalar(rollouts('--since', '1h')), 3, '--since';
    my ($code, undef, $err) = $site->mpsup('history', '--since', 'then');
    is $code, 2, 'what is no time is refused';
    like $err, qr/then is no point in time/, 'and says so';
};

subtest 'events since' => sub {
    cmp_ok scalar($site->events('--since', '1h')), '>', 3, 'all of them';
    my @later = $site->events('--since', strftime('%Y-%m-%d %H:%M:%S', localtime(time + 86400)));
    is scalar @later, 0, 'none of tomorrow';
};

subtest 'the past' => sub {
    sleep 1.1;
    my $now = strftime('%H:%M:%S', localtime);
    my $text = fits('status --at', 'status', '--at', $now);
    like $text, qr/\Asite test at \d{4}-\d\d-\d\d \Q$now\E, supervisor running\n/, 'title';
    like $text, qr{^docs +ready +1/1 +3 }m, 'as it is';
    my $past = decode_json($site->must('status', '--at', '-1ms', '-o', 'json'));
    is_deeply [@{ $past->{workers}[0] }{qw(name state ready wanted generation)}], ['docs', 'ready', 1, 1, 3], 'as JSON';
    my ($code, undef, $err) = $site->mpsup('status', '--at', '2001-01-01');
    is $code, 1, 'before there was any';
    like $err, qr/nothing is recorded of 2001-01-01 00:00:00: the history begins at /, 'and says so';
    ($code, undef, $err) = $site->mpsup('status', '--at', '2101-01-01');
    is $code, 2, 'still to come';
    $site->must('down');
    sleep 0.1;
    like $site->must('status', '--at', '-1ms'), qr/supervisor stopped\n.*\ndocs +stopped +0/, 'after down';
};

subtest 'SQL' => sub {
    is $site->must('sql', q{SELECT verb, verdict FROM rollouts WHERE verb = 'up'}), "verb  verdict\nup    done\n", 'a table';
    is_deeply decode_json($site->must('sql', '-o', 'json', 'SELECT 1 AS one, NULL AS none')),
        {version => 1, cut => JSON::PP::false, rows => [{one => 1, none => undef}]}, 'JSON';
    is $site->must('sql', '-o', 'jsonl', 'SELECT 1 AS one UNION SELECT 2'), qq({"one":1}\n{"one":2}\n), 'JSON lines';
    fits('wide rows', 'sql', 'SELECT * FROM processes');
    for my $statement ('DELETE FROM events', q{ATTACH '/tmp/x' AS x}, 'PRAGMA query_only = 0') {
        my ($code, undef, $err) = $site->mpsup('sql', $statement);
        is "$code $err", "1 mpsup: nothing can be changed: ask by SELECT, EXPLAIN or a PRAGMA that describes\n", $statement;
    }
    my ($code, undef, $err) = $site->mpsup('--timeout', '50ms', 'sql',
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n');
    is $code, 1, 'endless';
    like $err, qr/it took too long/, 'is stopped';
};

done_testing();
