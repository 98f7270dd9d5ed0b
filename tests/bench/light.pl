#!/usr/bin/perl
# CPU time a request of a light worker and of nginx, on the same files in the same run: servers on one core and wrk, with
# kept connections, on the other, in turns. Of nginx's: 1 KiB and 10 KiB at most 0.85, 100 KiB and 1 MiB at most 1.0. mpsup
# writes an access log always; nginx is measured without, and what it takes with one (buffered, as ours is) is shown.
# usage: light.pl [ROUNDS [SECONDS [CASE…]]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::Bench qw(run_on spawn end_spawned cost_of_request median missing_programs);
use Mpsup::Test  qw(new_site free_port request wait_until);

my ($rounds, $seconds, @only) = (shift // 5, shift // 2, @ARGV);
for my $program (missing_programs(qw(nginx wrk taskset))) {
    print "light: $program is not installed (packaging/install-dependencies bench): not measured\n";
    exit 0;
}
if (`nproc` < 2) {
    print "light: servers and clients need a core each: not measured\n";
    exit 0;
}

my $site = new_site(name => 'bench');
my $www  = $site->dir . '/www';
mkdir $_ or die "$_: $!" for $www, $site->dir . '/nginx';

# What is measured: a name, the path that is asked for, the share of nginx's time that is the target.
my @cases = map { {name => $_->[0], path => "/$_->[0]", target => $_->[2], size => $_->[1]} }
    (['1k.txt', 1 << 10, 0.85], ['10k.txt', 10 << 10, 0.85], ['100k.bin', 100 << 10, 1.0], ['1m.bin', 1 << 20, 1.0]);
$site->write("www/$_->{name}", 'x' x $_->{size}) for @cases;
if (@only) {
    my %only = map { $_ => 1 } @only;
    @cases = grep { $only{ $_->{name} } } @cases;
}

# Servers by name: {root, port}.
sub start_mpsup {
    my ($port) = @_;
    $site->must('up', $site->topology(qq{  files: {kind: static, listen: "127.0.0.1:$port", root: $www, health: {every: 300s}}\n}));
    return $site->supervisor_pid;
}

sub start_nginx {
    my ($port, $log) = @_;
    my $dir  = $site->dir . '/nginx';
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join ' ', map { "${_}_temp_path $dir/$_;" } qw(client_body proxy fastcgi uwsgi scgi);
    my $conf = $site->write("nginx/$port.conf", <<"CONF");
$user worker_processes 1; daemon off; pid $dir/$port.pid; error_log $dir/$port.err;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=1000;
  access_log $log; $temp
  server { listen 127.0.0.1:$port; root $www; }
}
CONF
    return spawn("$dir/$port.out", 'nginx', '-c', $conf);
}

local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
run_on(0);
my %start = (
    'mpsup'           => \&start_mpsup,
    'nginx'           => sub { start_nginx($_[0], 'off') },
    'nginx, with log' => sub { start_nginx($_[0], $site->dir . "/nginx/access.log combined buffer=64k flush=1s") },
);
my %server;
for my $name (sort keys %start) {
    my $port = free_port();
    $server{$name} = {root => $start{$name}->($port), port => $port};
    wait_until(20, "$name answers", sub { my $reply = eval { request($port, "/$cases[0]{name}") }; $reply && $reply->{status} == 200 });
}
run_on(1);

sub one_round {
    my ($server, $case) = @_;
    return cost_of_request("http://127.0.0.1:$server->{port}$case->{path}", $seconds, $server->{root});
}

my $missed = 0;
printf "light: %-10s %-16s %14s %18s %10s\n", '', '', 'CPU us/request', 'least - most', 'of nginx';
sleep 3; # files that have just changed are not kept
for my $case (@cases) {
    my %took;
    one_round($_, $case) for values %server; # not counted
    for (1 .. $rounds) { push @{ $took{$_} }, 1e6 * one_round($server{$_}, $case) for sort keys %server }
    for my $name (sort keys %took) {
        # Of the same round, for the machine is not the same in the next.
        my $ratio  = median(map { $took{$name}[$_] / $took{nginx}[$_] } 0 .. $rounds - 1);
        my @sorted = sort { $a <=> $b } @{ $took{$name} };
        my $failed = $name eq 'mpsup' && $ratio > $case->{target};
        ++$missed if $failed;
        printf "light: %-10s %-16s %14.2f %18s %10.2f%s\n", $case->{name}, $name, median(@sorted), sprintf('%.2f - %.2f', @sorted[0, -1]), $ratio,
            $failed ? " MISSED (target: $case->{target})" : '';
    }
}
end_spawned();
$site->mpsup('down', '--timeout', '20s');
exit($missed ? 1 : 0);
