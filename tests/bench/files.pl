#!/usr/bin/perl
# CPU a request of a static worker and of nginx on the same files: user and system time of the serving process by the
# requests that wrk counts, the two in turns so that both see the same machine. Both write an access log, and nginx has its
# open_file_cache. Targets: at most 0.85 of nginx for 1 KiB and 10 KiB, 1.0 for 100 KiB and 1 MiB.
# usage: files.pl [ROUNDS [SECONDS [SIZE...]]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(new_site free_port request wait_until write_file read_file);

my ($rounds, $seconds, @sizes) = @ARGV;
$rounds  //= 5;
$seconds //= 2;
@sizes = (1024, 10240, 102_400, 1_048_576) if !@sizes;
my %target = map { $_ => $_ < 65536 ? 0.85 : 1 } @sizes;

my $site = new_site(name => 'bench');
my ($ours, $theirs) = (free_port(), free_port());
mkdir $site->dir . '/www' or die;
$site->write("www/$_", 'x' x $_) for @sizes;
utime time - 60, time - 60, map { $site->dir . "/www/$_" } @sizes;
$site->must('up', $site->topology(qq{  docs: {kind: static, listen: "127.0.0.1:$ours", root: www}\n}));
my ($pid) = map { $_->{pid} } @{ $site->worker('docs')->{processes} };
my $nginx = start_nginx();
pin($_) for $pid, $nginx;

END { local $?; kill 'TERM', $nginx if $nginx }

my $missed = 0;
for my $size (@sizes) {
    my (@us, @them);
    for (1 .. $rounds) {
        push @us,   cost($pid,   $ours,   $size);
        push @them, cost($nginx, $theirs, $size);
    }
    my ($us, $them) = (median(@us), median(@them));
    my $ratio = $us / $them;
    $missed |= $ratio > $target{$size};
    printf "files: %7d bytes: %7.2f us a request, nginx %7.2f: %.2f (at most %.2f)\n", $size, $us, $them, $ratio, $target{$size};
}
exit $missed;

sub start_nginx {
    my $dir = $site->dir;
    mkdir "$dir/nginx";
    my $conf = write_file("$dir/nginx/nginx.conf", <<"CONF");
worker_processes 1; daemon off; master_process off; pid $dir/nginx/pid; error_log $dir/nginx/error.log;
events { worker_connections 4096; }
http { default_type application/octet-stream; access_log $dir/nginx/access.log combined buffer=32k flush=1s; sendfile on; tcp_nopush on;
 keepalive_requests 1000000; open_file_cache max=1000;
 client_body_temp_path $dir/nginx/b; proxy_temp_path $dir/nginx/p; fastcgi_temp_path $dir/nginx/f;
 uwsgi_temp_path $dir/nginx/u; scgi_temp_path $dir/nginx/s;
 server { listen 127.0.0.1:$theirs; root $dir/www; } }
CONF
    my $child = fork // die "fork: $!";
    exec 'nginx', '-c', $conf, '-e', "$dir/nginx/error.log" or die "nginx: $!" if !$child;
    wait_until(10, 'nginx answers', sub { eval { request($theirs, '/1') } });
    return $child;
}

sub pin { my ($process) = @_; system('taskset', '-acp', 0, $process) == 0 or die 'taskset' }

# Microseconds of CPU a request.
sub cost {
    my ($process, $port, $size) = @_;
    my $before = cpu($process);
    my $out    = `timeout 60 taskset -c 1 wrk -t1 -c32 -d${seconds}s http://127.0.0.1:$port/$size`;
    my $used   = cpu($process) - $before;
    my ($count) = $out =~ /(\d+) requests in/ or die $out;
    die "$size: $out" if $out =~ /Non-2xx|Socket errors/;
    return 1e6 * $used / $count;
}

# Of all its threads, in seconds, as the scheduler counts it.
sub cpu {
    my ($process) = @_;
    my $sum = 0;
    for (glob "/proc/$process/task/*/schedstat") { $sum += (split ' ', read_file($_))[0] }
    return $sum / 1e9;
}

sub median { return (sort { $a <=> $b } @_)[$#_ / 4] }
