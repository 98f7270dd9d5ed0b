#!/usr/bin/perl
# A site of three machines, all of them on this one: an accelerator leads to a pool on two others by TLS, each side knowing the other by
# its certificate, and certificates that are renewed while it serves.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use File::Temp  ();
use HTTP::Tiny  ();
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test qw(build_dir free_port read_file wait_until write_file);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time sleep);

my ($etcd) = grep { -x } map { "$_/etcd" } split /:/, $ENV{PATH};
plan skip_all => 'etcd is not installed' if !$etcd;
my $dir      = File::Temp->newdir('mpsup-gateways-XXXXXX', TMPDIR => 1);
my $store    = free_port();
my $of_peers = free_port();
my $peer     = free_port();
my $public   = free_port();
my $gateway  = free_port();
my %address  = (web1 => '127.0.6.1', app1 => '127.0.6.2', app2 => '127.0.6.3');
my $http     = HTTP::Tiny->new(timeout => 10, keep_alive => 0);
my %pid;

END {
    my $status = $?;
    kill 'TERM', values %pid;
    for my $pid (values %pid) {
        my $deadline = time + 20;
        sleep 0.05 while waitpid($pid, POSIX::WNOHANG()) == 0 && time < $deadline;
        kill 'KILL', $pid if kill 0, $pid;
    }
    $? = $status;
}

sub start {
    my ($name, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$dir/$name.log" or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT         or POSIX::_exit(127);
        exec @command or POSIX::_exit(127);
    }
    return $pid{$name} = $pid;
}

sub options { my ($name) = @_; return ('--state-dir', "$dir/$name", '--run-dir', "$dir/$name/run") }

sub mpsup {
    my ($name, @words) = @_;
    open my $output, '-|', build_dir() . '/mpsup', options($name), @words or die "mpsup: $!";
    my $text = do { local $/; <$output> };
    close $output;
    return ($? >> 8, $text);
}

sub openssl { my ($words) = @_; return system("openssl $words 2>/dev/null") == 0 }

# NAME.pem and NAME.key, signed by a CA, for the addresses of all machines.
sub certify {
    my ($name, $ca, $days) = @_;
    write_file("$dir/names", 'subjectAltName=' . join ',', map { "IP:$_" } sort values %address);
    return openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.csr")
        && openssl("x509 -req -in $dir/$name.csr -CA $dir/$ca.pem -CAkey $dir/$ca.key -days $days -extfile $dir/names -out $dir/$name.pem");
}

sub authority {
    my ($name) = @_;
    return openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -days 3 -keyout $dir/$name.key -out $dir/$name.pem");
}

sub ask { return $http->get("http://$address{web1}:$public/" . ($_[0] // '')) }

# The pair that all machines use.
sub use_pair {
    my ($name) = @_;
    for my $kind (qw(key pem)) {
        write_file("$dir/next", read_file("$dir/$name.$kind"));
        rename "$dir/next", "$dir/ours.$kind" or die "rename: $!";
    }
    return;
}

authority('ca') && certify('first', 'ca', 3) && certify('second', 'ca', 3)
    or plan skip_all => 'openssl makes no certificates here';
use_pair('first');
my $client_urls = "http://127.0.0.1:$store";
start('etcd', $etcd, '--data-dir', "$dir/etcd", '--listen-client-urls', $client_urls, '--advertise-client-urls', $client_urls,
    '--listen-peer-urls', "http://127.0.0.1:$of_peers", '--initial-advertise-peer-urls', "http://127.0.0.1:$of_peers",
    '--initial-cluster', "default=http://127.0.0.1:$of_peers");
wait_until(20, 'etcd answers', sub { HTTP::Tiny->new(timeout => 1)->get("$client_urls/health")->{success} });

write_file("$dir/app.psgi", 'sub { [200, ["Content-Type", "text/plain"], ["$$ $_[0]{REMOTE_ADDR}"]] }');
write_file("$dir/site.yaml", <<"YAML");
site: fleet
machines:
  web1: {address: $address{web1}}
  app1: {address: $address{app1}}
  app2: {address: $address{app2}}
workers:
  front:
    kind: accelerator
    on: web1
    listen: $public
    routes: [{path: /, to: app}]
  app:
    kind: dynamic
    on: [app1, app2]
    app: app.psgi
    pool: 2
    gateway: {listen: $gateway, tls: {cert: ours.pem, key: ours.key, ca: ca.pem}}
YAML
for my $name (sort keys %address) {
    start($name, build_dir() . '/mpsup', options($name), 'supervise', '--site', 'fleet', '--machine', $name, '--cluster', $client_urls,
        '--peer', "$address{$name}:$peer");
}
wait_until(30, 'all supervisors are there', sub {
    my ($code, $text) = mpsup('web1', 'status', '-o', 'json', '--machine', 'web1');
    my $cluster = (eval { decode_json($text) } // {})->{cluster} or return 0;
    return 3 == grep { $_->{lives} } @{ $cluster->{machines} };
});
my ($code, $text) = mpsup('web1', 'up', "$dir/site.yaml");
is($code, 0, 'it comes up') or diag $text;
wait_until(30, 'the accelerator answers', sub { ask()->{status} == 200 });

subtest 'requests' => sub {
    my (%children, %clients);
    for (1 .. 20) {
        my $reply = ask();
        is($reply->{status}, 200, 'is answered') or diag $reply->{content};
        my ($child, $client) = split / /, $reply->{content};
        my ($machine) = read_file("/proc/$child/cmdline") =~ m{(app\d)/run};
        $children{ $machine // "?" } = 1;
        $clients{$client} = 1;
    }
    is_deeply([sort keys %children], ['app1', 'app2'], 'by both machines');
    is_deeply([keys %clients], ['127.0.0.1'], 'which know the client') or diag explain \%clients;
};

subtest 'a renewed pair' => sub {
    use_pair('second');
    my $failed = 0;
    my $end    = time + 4;
    while (time < $end) { $failed++ if ask()->{status} != 200 }
    is($failed, 0, 'no request fails');
    for my $name (qw(app1 app2)) {
        my $shown = `openssl s_client -connect $address{$name}:$gateway </dev/null 2>/dev/null`;
        like($shown, qr/CN ?= ?second/, "$name shows it");
    }
};

subtest 'a port that changes on all machines of the pool' => sub {
    my $another = free_port();
    write_file("$dir/site.yaml", read_file("$dir/site.yaml") =~ s/listen: $gateway\b/listen: $another/r);
    my $client = open(my $counts, '-|') // die "fork: $!";
    if (!$client) {
        my ($is_over, %count) = (0);
        local $SIG{TERM} = sub { $is_over = 1 };
        while (!$is_over) { $count{ ask()->{status} }++ }
        syswrite STDOUT, encode_json(\%count);
        POSIX::_exit(0);
    }
    my ($status, $said) = mpsup('web1', 'up', "$dir/site.yaml");
    is($status, 0, 'it comes up') or diag $said;
    kill 'TERM', $client;
    my $count = decode_json(<$counts>);
    close $counts;
    is_deeply([keys %$count], ['200'], 'no request fails') or diag explain $count;
};

for my $name (sort keys %address) {
    my ($down, $said) = mpsup($name, 'down');
    is($down, 0, "$name goes down") or diag $said;
}
done_testing();
