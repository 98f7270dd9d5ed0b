# What a site on several machines must not take: each is refused before anything changes, on every machine, where the command was
# typed, with the machine named.
use strict;
use warnings;
use Mpsup::Cluster;
use Digest::SHA qw(sha256_hex);
use Encode      qw(encode_utf8);
use IO::Socket::UNIX;
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test qw(request wait_until write_file);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1)]);
my $files   = $cluster->files;
$files->write('app.psgi', 'sub { [200, [], ["app\n"]] }');
mkdir $files->dir . '/root';

my $front = "  front: {kind: accelerator, on: web1, listen: 8080, routes: [{path: /, to: app}]}\n";
my $app   = "  app: {kind: dynamic, on: app1, app: app.psgi, pool: 1, gateway: 8081}\n";

# Of files, before anybody is asked: exit code 78, and what is said.
my @of_files = (
    ['two machines with one address', $cluster->topology($front . $app) => sub { s/10\.9\.0\.2/10.9.0.1/ }, qr/:2:\d+: error: 10\.9\.0\.1 is the address of `web1` \(line 2\) already/],
    ['two machines with one name',    $cluster->topology($front . $app) => sub { s/app1: \{address/web1: {address/ }, qr/:2:\d+: error: duplicate key `web1`, first at line 2/],
    ['a worker on an unknown machine', $cluster->topology($front . $app) => sub { s/on: app1/on: app7/ }, qr/there is no machine `app7`.*did you mean `app1`/s],
    ['a worker on no machine',        $cluster->topology($front . $app) => sub { s/on: app1, // }, qr/`app` has no `on`.*one of web1, app1/s],
    ['a listener of another machine', $cluster->topology($front . $app) => sub { s/listen: 8080/listen: "10.9.0.2:8080"/ }, qr/10\.9\.0\.2 is the address of `app1`, and `front` is on web1.*did you mean `listen: 8080`/s],
    ['a pool that cannot be reached', $cluster->topology($front . $app) => sub { s/, gateway: 8081// }, qr/`front` is on `web1`, and `app` on app1 has no `gateway`.*\{gateway: PORT\}/s],
    ['a budget of nothing',           $cluster->topology($front . $app, more => "cluster: {unavailable: -1}\n") => sub { }, qr/`unavailable` must be .* from 1 to 1000.*found `-1`/],
    ['a file for one machine', $cluster->topology($front . $app) => sub { $_ = "site: test\nmachines: {web1: {address: 10.9.0.1}}\nworkers:\n  docs: {kind: static, on: web1, listen: 8080, root: root}\n" }, qr/one of several, and \S+ is for one machine; name all of them \(`machines`\)/],
);

$cluster->supervise;

sub file_of {
    my ($file, $change) = @_;
    local $_ = Mpsup::Test::read_file($file);
    my $before = $_;
    $change->();
    return write_file("$file.bad.yaml", $_);
}

for my $case (@of_files) {
    my ($what, $file, $change, $says) = @$case;
    $cluster->topology($front . $app, $what =~ /budget/ ? (more => "cluster: {unavailable: -1}\n") : ());
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', file_of($file, $change), '--timeout', '20s');
    is $code, 78, $what or diag $out, $err;
    like "$out$err", $says, '  and it is said which' or diag $out, $err;
}
is $cluster->wanted, 0, 'nothing runs yet';

# The second time there is something that was applied before.
$files->write('never.psgi', 'die "never"');
my $never = $cluster->topology("$front$app  worse: {kind: dynamic, on: web1, app: never.psgi, listen: 8089}\n");
for my $time ('a first topology that fails on one machine', 'and once more') {
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $never, '--timeout', '60s');
    is $code, 7, "$time: it is taken back" or diag $out, $err;
    is $cluster->wanted, 0, '  nothing is wanted';
    is eval { wait_until(10, 'app1 says so', sub { !$cluster->machine('app1')->{number} }) }, 1, '  app1 says that it runs nothing';
    is eval { request(8081, '/', address => '10.9.0.2')->{status} }, undef, '  and nothing serves there';
}

is +($cluster->on('web1')->mpsup('up', $cluster->topology($front . $app), '--timeout', '60s'))[0], 0, 'what is right is taken';
ok $cluster->wait_converged(20), 'and runs';
my $wanted = $cluster->wanted;

# Refused by a machine, with its name, and nothing has changed anywhere.
sub is_refused {
    my ($what, $file, $says) = @_;
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $file, '--timeout', '30s');
    is $code, 78, $what or diag $out, $err;
    like "$out$err", $says, '  and it is said why, and by whom' or diag $out, $err;
    is $cluster->wanted, $wanted, '  nothing else is wanted';
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", '  and it serves';
}

is_refused('an address that a machine does not have',
    file_of($cluster->topology($front . $app), sub { s/app1: \{address: 10\.9\.0\.2/app1: {address: 10.9.0.77/ }), qr/refused: app1: machines\.app1\.address: this machine does not have 10\.9\.0\.77$/m);
$cluster->network->run('app1', qw(ip address add 10.9.0.66/32 dev lo));
$files->write('only-here', 'x');
is_refused('a file that is not there on a machine',
    file_of($cluster->topology($front . $app), sub { s/app\.psgi/none.psgi/ }), qr{refused: app1: workers\.app\.app: there is no `/.*/none\.psgi`$}m);

my $vip = $cluster->topology($front . $app, more => "vip: {address: 10.99.0.100/24, on: [web1, app1]}\n");
is_refused('a vip on a network that no machine has', $vip,
    qr{refused: (?:app1|web1): vip: no interface of this machine has another address in the network of 10\.99\.0\.100/24, .*`vip\.on`$}m);

subtest 'a supervisor that is none of them' => sub {
    for my $case ([['--machine', 'app1'], qr/--cluster/], [['--cluster', 'http://10.9.0.254:2379'], qr/--machine/],
        [['--machine', 'app1', '--cluster', 'nowhere'], qr/nowhere/]) {
        my ($words, $says) = @$case;
        my $site = $files->on_machine($files->dir . '/other', sub { $cluster->network->inside('app1') });
        my ($code, $out, $err) = $site->mpsup('supervise', '--site', 'test', @$words);
        is $code, 2, "supervise @$words" or diag $out, $err;
        like "$out$err", $says, '  and it is said what is missing';
    }
};

subtest 'two supervisors of one name' => sub {
    my $site = $files->on_machine($files->dir . '/other', sub { $cluster->network->inside('web1') });
    my $log  = $files->dir . '/other.log';
    my $pid  = $cluster->network->start('web1', $log, $site->command('supervise', '--site', 'test', '--machine', 'app1',
        '--cluster', 'http://10.9.0.254:2379', '--peer', '10.9.0.1:7118'));
    my $before = $cluster->machine('app1')->{instance};
    wait_until(20, 'it says so', sub { ($site->mpsup('status', '--machine', 'app1', '-o', 'json'))[1] =~ /"state":"refused"/ });
    is $cluster->machine('app1')->{instance}, $before, 'the first has the name';
    my ($code, $out) = $site->mpsup('status', '--machine', 'app1');
    like $out, qr/refused since .*the name app1 is taken by another machine \(10\.9\.0\.2:7117\): .*--machine/, 'the second says who has it, and what to do' or diag $out;
    ok wait_until(5, 'its log', sub { Mpsup::Test::read_file($log) =~ /name app1 is taken by another machine \(10\.9\.0\.2:7117\)/ }), 'in its log too';
    is +($site->mpsup('up', $cluster->topology($front . $app), '--timeout', '20s'))[0], 1, 'and takes no orders';
    is $cluster->wanted, $wanted, 'nothing else is wanted';
    kill 'TERM', $pid;
    waitpid $pid, 0;
};

# A machine that is not there, as its key says it: nobody answers for it, and its clock is an hour off.
sub ghost {
    my (%record) = @_;
    $cluster->etcd->write('/mpsup/test/machine/ghost', encode_json({instance => 'g', boot => 'g', version => '0.1.0', address => '10.9.0.9',
        clock => int(1000 * time), well => JSON::PP::true(), %record}));
    return;
}

subtest 'a clock that is far off' => sub {
    ghost();
    my $file   = file_of($cluster->topology($front . $app), sub { s/app1: \{/ghost: {address: 10.9.0.9}, app1: {/ });
    my $finish = $cluster->begin('web1', 'up', $file, '--timeout', '30s');
    my $change = wait_until(10, 'it is asked', sub { my $change = $cluster->change; $change->{phase} eq 'checking' ? $change : undef });
    ghost(clock => int(1000 * (time - 3600)), change => {id => $change->{id}, state => 'accepted'});
    my ($code, $out, $err) = $finish->();
    is $code, 6, 'a change is refused';
    like "$out$err", qr/refused: ghost: its clock is 3\d\d\d s behind web1's: set them by NTP$/m, 'and it is said whose clock, and what to do' or diag $out, $err;
    is $cluster->wanted, $wanted, 'nothing else is wanted';
    $cluster->etcd->remove('/mpsup/test/machine/ghost');
};

sub digest { my ($document) = @_; return 'sha256:' . sha256_hex(encode_utf8($document)) }

# Asks for a topology that the store has and nobody brought up: what runs, with `document` changed, and its digest or another. web1
# leads the change, so that both are asked.
sub order {
    my ($id, $document, $digest) = @_;
    my $number   = ($cluster->change->{last} // 0) + 1;
    my $topology = $cluster->key(sprintf 'topology/%010d', $wanted);
    local $_ = $topology->{document};
    $document->() or die 'nothing is changed';
    $topology->{document} = $_;
    $topology->{digest}   = $digest // digest($_);
    my $to = {number => $number, digest => $topology->{digest}};
    my $key = sprintf '/mpsup/test/topology/%010d', $number;
    $cluster->etcd->write($key, encode_json($topology));
    $cluster->etcd->write('/mpsup/test/change', encode_json({id => $id, kind => 'up', to => $to, before => $cluster->key('wanted'),
        last => $number, who => 'root', from => 'web1', at => int(1000 * time), phase => 'checking', allowed => 1, owner => 'web1',
        instance => $cluster->machine('web1')->{instance}, term => 1, machines => [qw(app1 web1)], states => 'ww'}));
    return wait_until(20, 'it is judged', sub { my $change = $cluster->change; $change->{phase} ne 'checking' ? $change : undef });
}

# By each machine; whoever was the first to say so is named.
sub order_is_refused {
    my ($what, $says, @order) = @_;
    my $change = order(@order);
    is $change->{phase}, 'refused', $what;
    like join("\n", @{ $change->{reasons} }), qr/^(?:app1|web1): $says/m, '  and it is said why, and what to do' or diag explain $change;
    is $cluster->wanted, $wanted, '  nothing else is wanted';
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", '  and it serves';
    return;
}

subtest 'a topology that is not what was brought up' => sub {
    my $of_now = $cluster->key('wanted')->{digest};
    order_is_refused('one that was altered', qr/topology \d+ in the store is not what its digest says: .*bring the file up again/, 'altered', sub { s/"pool":\{[^}]*\}|"pool":1\b/"pool":2/ }, $of_now);
    order_is_refused('the share of one machine', qr/it is one machine's share of a topology/, 'share', sub { s/"version":1,/"version":1,"here":"web1",/ });
};

subtest 'a topology newer than the binary' => sub {
    # A later mpsup would lead such a change.
    order_is_refused('is refused by those who lead older ones', qr/mpsup \S+ cannot read it: .*version 2.* upgrade/, 'newer', sub { s/"version":1/"version":2/ });
    # What a later mpsup sends to a supervisor that is not upgraded yet.
    my $document = $cluster->key(sprintf 'topology/%010d', $wanted)->{document} =~ s/"version":1/"version":2/r;
    my $body     = encode_json({document => $document, path => 'later.yaml'});
    my $socket   = IO::Socket::UNIX->new(Peer => $cluster->on('web1')->{state} . '/run/test/control/socket') or die "control socket: $!";
    print $socket "POST /v1/up HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    my $said = do { local $/; <$socket> };
    like $said, qr/version 2, .* upgrade/, '  so it is where the command was typed' or diag $said;
    is $cluster->wanted, $wanted, '  nothing else is wanted';
    is $cluster->change->{id}, 'newer', '  and no change began';
};

# What it is told to do by a store that it does not know: pool 2.
sub plant {
    my ($topology, $number) = @_;
    my %planted = (%$topology, document => $topology->{document} =~ s/"pool":\{[^}]*\}|"pool":1\b/"pool":2/r);
    $planted{digest} = digest($planted{document});
    my $key = sprintf '/mpsup/test/topology/%010d', $number;
    $cluster->etcd->write($key, encode_json(\%planted));
    $cluster->etcd->write('/mpsup/test/wanted', encode_json({number => $number, digest => $planted{digest}}));
    return;
}

# Orders of the planted store are not taken by who lives and by who was started anew; an operator has a word.
sub is_not_obeyed {
    my ($what, $runs) = @_;
    for my $name ($cluster->names) {
        $cluster->wait_for_state($name, 'unaccepted');
        my $machine = wait_until(10, "the key of $name", sub { $cluster->machine($name) });
        is_deeply [@$machine{qw(number digest)}], $runs, "$what: $name runs what it ran";
    }
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology($front . $app =~ s/pool: 1/pool: 3/r), '--timeout', '20s');
    is $code, 1, '  nothing new begins';
    like "$out$err", qr/store.*mpsup cluster accept/s, '  and it is said why, and what to do' or diag $out, $err;
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", '  all serves';
    ($code, $out, $err) = $cluster->on('app1')->mpsup('cluster', 'accept');
    is $code, 0, '  an operator accepts it' or diag $out, $err;
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok $cluster->wait_converged(20), '  then all are of one mind';
    my ($app_worker) = grep { $_->{name} eq 'app' } @{ $cluster->machine('app1')->{workers} };
    is $app_worker->{wanted}, 1, '  what ran is wanted';
    $wanted = $cluster->wanted;
    return;
}

for my $case (['another store', sub { $cluster->etcd->empty->start }],
    ['a store that forgot', sub { $cluster->etcd->remove("/mpsup/test/$_") for qw(wanted change) }]) {
    my ($what, $befalls) = @$case;
    subtest "$what, while a supervisor is away" => sub {
        my $topology = $cluster->key(sprintf 'topology/%010d', $wanted);
        my $runs     = [@{ $cluster->machine('app1') }{qw(number digest)}];
        $cluster->end('app1', 'KILL');
        $befalls->();
        plant($topology, $wanted + 5) if $what eq 'another store';
        $cluster->supervise('app1');
        is_not_obeyed($what, $runs);
    };
}

subtest 'what does not begin' => sub {
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('supervise', '--site', 'x', '--machine', 'web1.example.org', '--cluster', 'http://10.9.0.254:2379');
    is $code, 2, 'a machine whose name is none';
    like $err, qr/web1\.example\.org is no name of a machine/, 'is told what a name is';
};

subtest 'rubbish in the store' => sub {
    $cluster->etcd->write('/mpsup/test/machine/ghost', 'no JSON');
    $cluster->etcd->write('/mpsup/test/fence/ghost',   '[1');
    $cluster->etcd->write('/mpsup/test/other',         "\0\xff");
    my ($code, $out) = $cluster->on('web1')->mpsup('status', '--machine', 'web1', '-o', 'json');
    my ($ghost) = grep { $_->{name} eq 'ghost' } @{ decode_json($out)->{cluster}{machines} };
    ok $ghost->{problem}, 'is said of whom it is' or diag $out;
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", 'and all serves';
    $cluster->etcd->remove("/mpsup/test/$_") for qw(machine/ghost fence/ghost other);
};

subtest 'etcd that is full' => sub {
    my $alarm = sub {
        my ($action) = @_;
        my $question = {action => $action, memberID => 0, alarm => 'NOSPACE'};
        my $reply = HTTP::Tiny->new(timeout => 5)->post('http://10.9.0.254:2379/v3/maintenance/alarm', {content => encode_json($question)});
        die "alarm: $reply->{content}" if !$reply->{success};
    };
    $alarm->('ACTIVATE');
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology($front . $app =~ s/pool: 1/pool: 2/r), '--timeout', '20s');
    is $code, 1, 'nothing new begins';
    like "$out$err", qr/database space exceeded\b.*etcdctl compact.*etcdctl defrag.*etcdctl alarm disarm/, 'and it is said why, and what to do' or diag $out, $err;
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", 'all serves';
    $alarm->('DEACTIVATE');
    is +($cluster->on('web1')->mpsup('up', $cluster->topology($front . $app), '--timeout', '30s'))[0], 0, 'when there is room, changes are made';
};

subtest 'etcd that refuses the user' => sub {
    my $post = sub {
        my ($what, $question, @token) = @_;
        my %headers = map { (Authorization => $_) } @token;
        my $reply   = HTTP::Tiny->new(timeout => 5)->post("http://10.9.0.254:2379/v3/auth/$what", {content => encode_json($question), headers => \%headers});
        die "$what: $reply->{content}" if !$reply->{success};
        return decode_json($reply->{content});
    };
    $post->('user/add', {name => 'root', password => 'secret'});
    $post->('role/add', {name => 'root'});
    $post->('user/grant', {user => 'root', role => 'root'});
    my $password = $files->write("password", "wrong\n");
    chmod 0600, $password or die "chmod: $!";
    $post->('enable', {});
    # Those that run are shut out; that they only hear when they ask for something.
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", 'all serves';
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology($front . $app =~ s/pool: 1/pool: 2/r), '--timeout', '20s');
    is $code, 1, 'nothing new begins';
    like "$out$err", qr/the store did not take web1's order in time \(http:\S+: etcd: .*user name is empty.*--cluster-user.*nothing was changed/, 'and it is said why' or diag $out, $err;
    like +($cluster->on('web1')->mpsup('status'))[1], qr/^web1 .*etcd takes nothing from it: .*user name is empty/m, 'in status too';
    $files->write('right', "secret\n");
    chmod 0600, $files->dir . '/right' or die "chmod: $!";
    $cluster->end('web1', 'TERM');
    $cluster->start_supervisor('web1', '--cluster-user', 'root', '--cluster-password-file', $files->dir . '/right');
    $cluster->wait_for_supervisor('web1');
    $cluster->wait_for_state('web1', 'connected');
    $cluster->end('app1', 'TERM');
    chmod 0644, $password or die "chmod: $!";
    $cluster->start_supervisor('app1', '--cluster-user', 'root', '--cluster-password-file', $password);
    $cluster->wait_for_supervisor('app1');
    ok wait_until(10, 'it is read', sub { $cluster->seen_by('app1')->{why} =~ /--cluster-password-file: `\S+`: others may reach it; chmod o-rwx it/ }), 'a password that others may read is none';
    chmod 0600, $password or die "chmod: $!";
    for my $case (['wrong', 'alone'], ['secret', 'connected']) {
        my ($word, $state) = @$case;
        $files->write('password', "$word\n");
        $cluster->end('app1', 'TERM');
        $cluster->start_supervisor('app1', '--cluster-user', 'root', '--cluster-password-file', $password);
        $cluster->wait_for_supervisor('app1');
        $cluster->wait_for_state('app1', $state);
        next if $state ne 'alone';
        ok wait_until(10, 'it was asked', sub { $cluster->seen_by('app1')->{why} =~ /10\.9\.0\.254.*invalid user ID or password.*--cluster-user/ }), 'it is said where, why and what to do';
        my ($code, $out) = $cluster->on('app1')->mpsup('status');
        is $code, 5, 'status does not end as if all were well';
        like $out, qr/^cluster: alone /m, 'and says why';
        my ($elsewhere, @said) = $cluster->on('web1')->mpsup('up', $cluster->topology($front . $app =~ s/pool: 1/pool: 2/r), '--timeout', '40s');
        is $elsewhere, 0, 'where only this machine is refused, changes are made elsewhere' or diag @said;
        like "@said", qr/absent, to take it when they return: app1/, '  and it is said that it was absent' or diag @said;
        ($code, @said) = $cluster->on('app1')->mpsup('up', $cluster->topology($front . $app =~ s/pool: 1/pool: 3/r), '--timeout', '20s');
        is $code, 1, 'what is typed at it does not begin';
        like "@said", qr/app1 cannot ask the cluster's store: http:\S+: .*invalid user ID or password.*--cluster-user.*: nothing was changed/, '  and it is said of whom, and why' or diag @said;
        pass "with the password '$word' it is $state";
    }
    my $token = $post->('authenticate', {name => 'root', password => 'secret'})->{token};
    $post->('user/changepw', {name => 'root', password => 'another'}, $token);
    my $change = $cluster->topology($front . $app =~ s/pool: 1/pool: 4/r);
    ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $change, '--timeout', '30s');
    is $code, 1, 'when etcd has another password than the file, nothing new begins';
    like "$out$err", qr/invalid user ID or password.*nothing was changed/, '  and it is said why' or diag $out, $err;
    is $cluster->seen_by('web1')->{state}, 'connected', '  and for longer than a lease lasts no machine loses its own';
    $files->write($_, "another\n") for qw(right password);
    is +($cluster->on('web1')->mpsup('up', $change, '--timeout', '40s'))[0], 0, 'written into the file it is taken without a restart';
};

done_testing;
