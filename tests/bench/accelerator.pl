#!/usr/bin/perl
# CPU time a request of an accelerator, and of nginx and Varnish, in the same run: servers on one core and wrk, with kept connections, on
# the other, in turns. The backend, an nginx of its own, is not counted. A hit of 1 KiB: at most 0.8 of nginx's and 0.5 of Varnish's.
# Passed through to the backend where no cache is: at most 1.0 of nginx's; and where one is, but the reply says no-store. Two threads: at
# most 1.1 of what one takes a request. nginx does what mpsup always does: it writes an access log, buffered, and tells the backend of the
# client; "bare" is one that does neither.
# usage: accelerator.pl [ROUNDS [SECONDS [CASE…]]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::Bench qw(run_on spawn end_spawned cost_of_request median missing_programs);
use Mpsup::Test  qw(new_site free_port request wait_until);

my ($rounds, $seconds, @only) = (shift // 5, shift // 2, @ARGV);
local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
for my $program (missing_programs(qw(nginx wrk taskset))) {
    print "accelerator: $program is not installed (packaging/install-dependencies bench): not measured\n";
    exit 0;
}
if (`nproc` < 2) {
    print "accelerator: servers and clients need a core each: not measured\n";
    exit 0;
}
my $has_varnish = !missing_programs('varnishd');

my $site = new_site(name => 'bench');
my $dir  = $site->dir;
mkdir $_ or die "$_: $!" for "$dir/www", "$dir/nginx";
$site->write('www/1k.txt', 'x' x 1024);
my $origin;
my $user  = $> == 0 ? 'user root;' : '';
my $temps = join ' ', map { "${_}_temp_path $dir/nginx/$_;" } qw(client_body proxy fastcgi uwsgi scgi);

sub nginx {
    my ($port, $http, $log) = @_;
    $log //= 'off';
    my $conf = $site->write("nginx/$port.conf", <<"CONF");
$user worker_processes 1; daemon off; pid $dir/nginx/$port.pid; error_log $dir/nginx/$port.err;
events { worker_connections 4096; }
http { include /etc/nginx/mime.types; sendfile on; keepalive_requests 1000000000; open_file_cache max=1000; access_log $log; $temps
$http }
CONF
    return spawn("$dir/nginx/$port.out", 'nginx', '-c', $conf);
}

sub proxy {
    my ($port, $log, $fields) = @_;
    return nginx($port, <<"CONF", $log);
proxy_cache_path $dir/nginx/cache.$port keys_zone=c:10m;
upstream origin { server 127.0.0.1:$origin; keepalive 32; }
server { listen 127.0.0.1:$port; proxy_http_version 1.1; proxy_set_header Connection "";
  $fields
  location / { proxy_pass http://origin; }
  location /cached/ { proxy_cache c; proxy_cache_valid 200 10m; proxy_pass http://origin; }
  location /never/ { proxy_cache c; proxy_pass http://origin; } }
CONF
}

run_on(1);
$origin = free_port();
nginx($origin, "server { listen 127.0.0.1:$origin; root $dir/www; location /cached/ { alias $dir/www/; add_header Cache-Control max-age=3600; }
  location /never/ { alias $dir/www/; add_header Cache-Control no-store; } }");
wait_until(20, 'the backend answers', sub { my $reply = eval { request($origin, '/1k.txt') }; $reply && $reply->{status} == 200 });

# By name: a function that starts it on a port and returns the process at its root.
run_on(0);
my %start = (
    mpsup => sub {
        my ($port) = @_;
        my $two = free_port();
        $site->must('up', $site->topology(join '', map { <<"YAML" } ['one', $port, 1], ['two', $two, 2]));
  $_->[0]:
    kind: accelerator
    listen: 127.0.0.1:$_->[1]
    threads: $_->[2]
    cache: {size: 64MiB}
    health: {every: 300s}
    routes:
      - {path: /cached/, to: "127.0.0.1:$origin"}
      - {path: /never/, to: "127.0.0.1:$origin"}
      - {path: /, to: "127.0.0.1:$origin", cache: off}
YAML
        our $two_threads = $two;
        return [$site->pids('one', 'light')];
    },
    nginx         => sub { [proxy(@_, "$dir/nginx/access.log combined buffer=64k flush=200ms", <<'FIELDS')] },
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Request-Id $request_id;
FIELDS
    'nginx, bare' => sub { [proxy(@_, 'off', '')] },
    $has_varnish ? (varnish => sub {
        my ($port) = @_;
        return [spawn("$dir/varnish.out", 'varnishd', '-F', '-n', "$dir/varnish", '-a', "127.0.0.1:$port", '-b', "127.0.0.1:$origin",
            '-s', 'malloc,64m', '-j', 'none')];
    }) : (),
);
my %server;
for my $name (sort keys %start) {
    my $port = free_port();
    $server{$name} = {roots => $start{$name}->($port), port => $port};
    wait_until(20, "$name answers", sub { my $reply = eval { request($port, '/1k.txt') }; $reply && $reply->{status} == 200 });
}
$server{'mpsup, 2 threads'} = {roots => [$site->pids('two', 'light')], port => our $two_threads};
run_on(1);

my @cases = (
    {name => 'hit',   path => '/cached/1k.txt', targets => {nginx => 0.8, varnish => 0.5}},
    {name => 'pass',  path => '/1k.txt',        targets => {nginx => 1.0}},
    {name => 'never', path => '/never/1k.txt',  targets => {}},
);
if (@only) {
    my %only = map { $_ => 1 } @only;
    @cases = grep { $only{ $_->{name} } } @cases;
}

sub one_round {
    my ($server, $case) = @_;
    return cost_of_request("http://127.0.0.1:$server->{port}$case->{path}", $seconds, @{ $server->{roots} });
}

my $missed = 0;
printf "accelerator: %-5s %-17s %14s %18s %10s\n", '', '', 'CPU us/request', 'least - most', "mpsup's of it";
for my $case (@cases) {
    my %took;
    my @names = grep { $case->{name} eq 'hit' || $_ ne 'varnish' } sort keys %server;
    one_round($server{$_}, $case) for @names; # not counted
    for (1 .. $rounds) { push @{ $took{$_} }, 1e6 * one_round($server{$_}, $case) for @names }
    for my $name (@names) {
        my ($over, $under) = $name =~ /threads/ ? ($name, 'mpsup') : ('mpsup', $name);
        my $ratio  = median(map { $took{$over}[$_] / $took{$under}[$_] } 0 .. $rounds - 1); # of the same round
        my @sorted = sort { $a <=> $b } @{ $took{$name} };
        my $target = $name =~ /threads/ ? 1.1 : $case->{targets}{$name};
        my $failed = $target && $ratio > $target;
        ++$missed if $failed;
        printf "accelerator: %-5s %-17s %14.2f %18s %10s%s\n", $case->{name}, $name, median(@sorted), sprintf('%.2f - %.2f', @sorted[0, -1]),
            $name eq 'mpsup' ? '' : sprintf('%.2f', $ratio), $failed ? " MISSED (target: $target)" : '';
    }
}
end_spawned();
$site->mpsup('down', '--timeout', '20s');
exit($missed ? 1 : 0);
