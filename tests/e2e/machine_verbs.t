# The command line of a site on several machines, against a supervisor that is played: what is asked of it, what is shown.
use strict;
use warnings;
use File::Copy  qw(copy);
use File::Path  qw(make_path);
use IO::Socket::UNIX;
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test qw(free_port new_site read_file write_file);
use Socket      qw(SOCK_STREAM);
use Test::More;

my $site = new_site(name => 'shop');
make_path "$site->{state}/run/shop/control", "$site->{state}/shop";
write_file("$site->{state}/shop/lock", '');
my $asked  = $site->dir . '/asked';
my $answer = $site->dir . '/answer';     # path => [status, type, body]
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$site->{state}/run/shop/control/socket", Listen => 16) or die $!;
my $player = fork // die;
if (!$player) {
    while (my $client = $server->accept) {
        my $text = '';
        1 while $text !~ /\r\n\r\n/ && sysread $client, $text, 65536, length $text;
        my ($length) = $text =~ /Content-Length: (\d+)/i;
        my ($head, $body) = split /\r\n\r\n/, $text, 2;
        1 while length $body < ($length // 0) && sysread $client, $body, 65536, length $body;
        my ($method, $path) = $head =~ /\A(\S+) (\S+)/;
        open my $out, '>>', $asked or die;
        print {$out} "$method $path $body\n";
        close $out;
        my $answers = decode_json(read_file($answer));
        my ($status, $type, $reply) = @{ $answers->{$path} // [404, 'application/json', '{}'] };
        print $client "HTTP/1.1 $status X\r\nContent-Type: $type\r\nContent-Length: " . length($reply) . "\r\nConnection: close\r\n\r\n$reply";
    }
    POSIX::_exit(0);
}
END { kill 'KILL', $player if $player }

sub plays { my (%answers) = @_; write_file($answer, encode_json({'/v1/version' => [200, 'application/json', '{}'], %answers})); return unlink $asked }
sub json  { return [200, 'application/json', encode_json($_[0])] }
sub lines { return [200, 'application/x-ndjson', join '', map { encode_json($_) . "\n" } @_] }
sub asked { return grep { !m{/v1/version} } split /\n/, read_file($asked) }

my $machines = {machines => [map { {name => $_} } qw(app1 web1)]};

subtest 'what is said of a machine' => sub {
    my $done = lines({type => 'progress', text => 'app1: 2 requests are left'}, {type => 'result', code => 0, text => 'app1 is drained'});
    for my $case ([['drain', 'app1', '--wait'], 'drain {"machine":"app1","wait":true}'],
                  [['drain', 'app1'], 'drain {"machine":"app1","wait":false}'],
                  [['drain', 'app1', '--force'], 'drain {"machine":"app1","wait":false,"force":true}'],
                  [['cordon', 'app1'], 'cordon {"machine":"app1"}'],
                  [['uncordon', 'app1'], 'uncordon {"machine":"app1"}'],
                  [['remove', 'app1'], 'remove {"machine":"app1"}'],
                  [['cluster', 'accept'], 'accept {}']) {
        my ($words, $wanted) = @$case;
        plays(map { ("/v1/cluster/$_" => $done) } qw(drain cordon uncordon remove accept));
        my ($code, $out) = $site->mpsup(@$words);
        is $code, 0, "@$words";
        is $out, "app1: 2 requests are left\napp1 is drained\n", 'what it reports';
        is_deeply [asked()], ["POST /v1/cluster/$wanted"], 'is asked so';
    }
    plays('/v1/cluster/remove' => lines({type => 'result', code => 2, text => 'app1 lives: drain it and stop it first'}));
    my ($code, $out, $err) = $site->mpsup('remove', 'app1');
    is $code, 2, 'refused';
    like $err, qr/app1 lives/, 'and why';
    for my $words (['drain'], ['cordon'], ['cluster'], ['drain', 'a', 'b']) { is +($site->mpsup(@$words))[0], 2, "@$words: usage" }
};

subtest 'what is narrowed to machines' => sub {
    my $done = lines({type => 'result', code => 0, text => 'done'});
    for my $case ([['restart'], 'restart {"workers":[],"machines":[],"fast":false}'],
                  [['restart', 'app', '--machine', 'app1', '--machine', 'web1', '--fast'], 'restart {"workers":["app"],"machines":["app1","web1"],"fast":true}'],
                  [['rollback', 'app', '--machine', 'app1'], 'rollback {"workers":["app"],"machines":["app1"]}']) {
        plays(map { ("/v1/$_" => $done) } qw(restart rollback));
        is +($site->mpsup(@{ $case->[0] }))[0], 0, "@{ $case->[0] }";
        is_deeply [asked()], ["POST /v1/$case->[1]"], 'is asked so';
    }
};

subtest 'status' => sub {
    my %worker = (kind => 'static', state => 'ready', ready => 1, wanted => 1, generation => 1, health => {state => 'healthy'}, listen => ['10.9.0.1:80']);
    my @rows = ({name => 'app1', state => 'living', address => '10.9.0.2', number => 7, answered => JSON::PP::true},
                {name => 'web1', state => 'living', address => '10.9.0.1', number => 7, answered => JSON::PP::true, here => JSON::PP::true});
    my $status = {version => 1, site => 'shop', supervisor => {state => 'running', pid => 7}, workers => [{%worker, name => 'app', machine => 'app1'}, {%worker, name => 'docs', machine => 'web1'}], machines => \@rows};
    plays('/v1/status?machines=all' => json($status));
    my ($code, $out) = $site->mpsup('status');
    is $code, 0, 'all is well';
    like $out, qr/^app1 +living +7 +10\.9\.0\.2/m, 'machines';
    like $out, qr/^web1 +docs +ready +1\/1/m, 'workers';
    $rows[0] = {name => 'app1', state => 'absent', address => '10.9.0.2', number => 0, answered => JSON::PP::false, why => 'no answer in time'};
    plays('/v1/status?machines=all' => json($status), '/v1/status?machines=web1,app1' => json($status),
          '/v1/status?machines=app7' => [400, 'application/json', '{"error":"there is no machine app7; there is app1, web1"}']);
    ($code, $out) = $site->mpsup('status');
    is $code, 5, 'one does not answer';
    like $out, qr/^app1 .*does not answer: no answer in time$/m, 'and has its row';
    is +($site->mpsup('workers', '--machine', 'web1', '--machine', 'app1'))[0], 5, 'workers';
    ($code, $out, my $err) = $site->mpsup('status', '--machine', 'app7');
    is $code, 2, 'an unknown machine';
    is $err, "mpsup: there is no machine app7; there is app1, web1\n", 'with the known ones';
    $rows[0] = {%{ $rows[0] }, state => 'removed', note => 'counted no more'};
    plays('/v1/status?machines=all' => json($status));
    ($code, $out) = $site->mpsup('status');
    is $code, 0, 'one that was removed need not answer';
    like $out, qr/^app1 +removed .* counted no more$/m, 'its row says why';
    plays('/v1/status?machines=all' => json({%$status, cluster => {state => 'alone', why => 'http://10.9.0.254:2379: connect: Connection refused'}}));
    ($code, $out) = $site->mpsup('status');
    is $code, 5, 'a store that cannot be asked';
    like $out, qr/^cluster: alone, .*Connection refused$/m, 'and why';
    delete $status->{machines};
    plays('/v1/status' => json({%$status, workers => []}));
    ($code, $out) = $site->mpsup('status', '-o', 'json');
    is decode_json($out)->{site}, 'shop', 'a supervisor that knows of no machines is asked again';
};

subtest 'events and logs' => sub {
    my @events = map { {machine => $_->[0], id => 1, at_ms => $_->[1], event => 'exited', worker => 'app', generation => 2, pid => 9, signal => 9, exit_code => undef, reason => "gone\e[2J"} } ['web1', 1000], ['app1', 2000];
    plays('/v1/machines' => json($machines), '/v1/events?lines=50&machines=all' => lines(@events), '/v1/events?lines=3&machines=app1&worker=app' => lines($events[1]));
    my ($code, $out) = $site->mpsup('events');
    is $code, 0, 'events';
    like $out, qr/  web1  app gen 2  exited pid 9, killed by signal 9 \(KILL\): gone\?\[2J\n.*  app1  app gen 2/, 'in a column';
    {
        local $ENV{COLUMNS} = 80;
        $events[0]{reason} = 'x' x 200;
        plays('/v1/machines' => json($machines), '/v1/events?lines=50&machines=all' => lines(@events));
        is_deeply [grep { length > 80 } split /\n/, ($site->mpsup('events'))[1]], [], 'none longer than the page';
        $events[0]{reason} = 'gone';
        plays('/v1/machines' => json($machines), '/v1/events?lines=50&machines=all' => lines(@events), '/v1/events?lines=3&machines=app1&worker=app' => lines($events[1]));
    }
    is_deeply [map { $_->{machine} } @{ decode_json(($site->mpsup('events', '-o', 'json'))[1])->{events} }], ['web1', 'app1'], 'as JSON';
    like +($site->mpsup('events', 'app', '--machine', 'app1', '-n', 3))[1], qr/\A\S+ +\S* *app1  app/, 'narrowed';

    my @lines = map { {machine => $_->[0], at_ms => $_->[1], worker => 'app', line => "says $_->[1]"} } ['web1', 1000], ['app1', 2000];
    my $trouble = {type => 'trouble', machine => 'app2', why => 'no answer in time'};
    plays('/v1/machines' => json($machines), '/v1/logs?lines=50&machines=all' => lines($trouble, @lines),
          '/v1/logs?access=1&grep=x%20y&lines=5&machines=all&workers=app,docs' => lines(@lines));
    ($code, $out, my $err) = $site->mpsup('logs');
    is $code, 1, 'logs, one machine does not answer';
    is $out, "web1 app | says 1000\napp1 app | says 2000\n", 'lines';
    is $err, "mpsup: app2 does not answer: no answer in time\n", 'and who it is';
    my $document = decode_json(($site->mpsup('logs', '-o', 'json'))[1]);
    is scalar @{ $document->{lines} }, 2, 'a document';
    is_deeply $document->{silent}, [{machine => 'app2', why => 'no answer in time'}], 'with those that are silent';
    is +($site->mpsup('logs', 'app', 'docs', '--access', '--grep', 'x y', '-n', 5))[0], 0, 'what is asked is passed on';
    ($code, $out, $err) = $site->mpsup('logs', '--machine', 'app7');
    is $code, 2, 'an unknown machine';
    is $err, "mpsup: there is no machine app7; there is app1, web1\n", 'with the known ones';
};

subtest 'history' => sub {
    my $past = new_site(name => 'shop'); # for its database
    mkdir $past->dir . '/root';
    $past->must('up', $past->topology("  docs: {kind: static, listen: '127.0.0.1:" . free_port() . "', root: root}\n"));
    $past->must('down');
    copy("$past->{state}/shop/state.db", "$site->{state}/shop/state.db") or die $!;
    my @changes = ({kind => 'drain', at_ms => 2000, workers => [], machines => ['app1'], who => 'anna', from => 'web1', outcome => 'done', note => '--force'},
                   {kind => 'paint', at_ms => 1000, workers => [], machines => ['app1'], who => 'root', from => 'web1', outcome => 'done', note => ''});
    plays('/v1/topologies' => json({version => 1, topologies => [], changes => \@changes}));
    my $out = $site->must('history');
    like $out, qr/ - +done +root\@web1 +paint app1\n.* - +done +anna\@web1 +drain app1\n    --force\n\nof this machine alone:\nWHEN /, 'what was said of machines, also what only a later mpsup says' or diag $out;
    is_deeply [map { "$_->{kind} @{ $_->{machines} }" } @{ decode_json($site->must('history', '-o', 'json'))->{changes} }], ['paint app1', 'drain app1'], 'as JSON';
};

subtest 'without a supervisor' => sub {
    my $alone = new_site(name => 'alone');
    make_path "$alone->{state}/alone";
    write_file("$alone->{state}/alone/lock", '');
    like +($alone->mpsup('restart'))[2], qr/no supervisor runs for site alone: `mpsup up FILE` starts it$/, 'of one machine';
    write_file("$alone->{state}/alone/cluster", '');
    like +($alone->mpsup('restart'))[2], qr/no supervisor runs for site alone: `mpsup supervise --machine NAME --cluster …` starts it$/, 'of several';
};

done_testing;
