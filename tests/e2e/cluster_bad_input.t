# What a site on several machines must not take: each is refused before anything changes, on every machine, where the command was
# typed, with the machine named.
use strict;
use warnings;
use Mpsup::Cluster;
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
    ['two machines with one address', $cluster->topology($front . $app) => sub { s/10\.9\.0\.2/10.9.0.1/ }, qr/web1|app1.*10\.9\.0\.1/s],
    ['two machines with one name',    $cluster->topology($front . $app) => sub { s/app1: \{address/web1: {address/ }, qr/web1/],
    ['a worker on an unknown machine', $cluster->topology($front . $app) => sub { s/on: app1/on: app7/ }, qr/app7.*app1/s],
    ['a worker on no machine',        $cluster->topology($front . $app) => sub { s/on: app1, // }, qr/app.*\bon\b/s],
    ['a listener of another machine', $cluster->topology($front . $app) => sub { s/listen: 8080/listen: "10.9.0.2:8080"/ }, qr/10\.9\.0\.2.*app1/s],
    ['a pool that cannot be reached', $cluster->topology($front . $app) => sub { s/, gateway: 8081// }, qr/front.*app|app.*front/s],
    ['a budget of nothing',           $cluster->topology($front . $app, more => "cluster: {unavailable: -1}\n") => sub { }, qr/unavailable/],
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

is +($cluster->on('web1')->mpsup('up', $cluster->topology($front . $app), '--timeout', '60s'))[0], 0, 'what is right is taken';
ok $cluster->wait_converged(20), 'and runs';
my $wanted = $cluster->wanted;

# Refused by a machine, with its name, and nothing has changed anywhere.
sub is_refused {
    my ($what, $file, $says) = @_;
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $file, '--timeout', '30s');
    isnt $code, 0, $what;
    like "$out$err", $says, '  and it is said why, and by whom' or diag $out, $err;
    is $cluster->wanted, $wanted, '  nothing else is wanted';
    is eval { request(8080, '/', address => '10.9.0.1')->{body} }, "app\n", '  and it serves';
}

is_refused('an address that a machine does not have',
    file_of($cluster->topology($front . $app), sub { s/app1: \{address: 10\.9\.0\.2/app1: {address: 10.9.0.77/ }), qr/app1.*10\.9\.0\.77/s);
$cluster->network->run('app1', qw(ip address add 10.9.0.66/32 dev lo));
$files->write('only-here', 'x');
is_refused('a file that is not there on a machine',
    file_of($cluster->topology($front . $app), sub { s/app\.psgi/none.psgi/ }), qr/none\.psgi/);

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
    like $out, qr/app1.*10\.9\.0\.2|10\.9\.0\.2/s, 'the second says who has it' or diag $out;
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
    isnt $code, 0, 'a change is refused';
    like "$out$err", qr/ghost.*clock/s, 'and it is said whose clock' or diag $out, $err;
    is $cluster->wanted, $wanted, 'nothing else is wanted';
    $cluster->etcd->remove('/mpsup/test/machine/ghost');
};

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

subtest 'etcd that refuses the user' => sub {
    my $post = sub {
        my ($what, $question) = @_;
        my $reply = HTTP::Tiny->new(timeout => 5)->post("http://10.9.0.254:2379/v3/auth/$what", {content => encode_json($question)});
        die "$what: $reply->{content}" if !$reply->{success};
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
    isnt $code, 0, 'nothing new begins';
    like "$out$err", qr/user|authenti|permission/i, 'and it is said why' or diag $out, $err;
    for my $case (['wrong', 'alone'], ['secret', 'connected']) {
        my ($word, $state) = @$case;
        $files->write('password', "$word\n");
        $cluster->end('app1', 'TERM');
        $cluster->start_supervisor('app1', '--cluster-user', 'root', '--cluster-password-file', $password);
        $cluster->wait_for_supervisor('app1');
        $cluster->wait_for_state('app1', $state);
        ok wait_until(10, 'it was asked', sub { $cluster->seen_by('app1')->{why} =~ /user|password|authenti/i }), 'it is said why' if $state eq 'alone';
        pass "with the password '$word' it is $state";
    }
};

done_testing;
