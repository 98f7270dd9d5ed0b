#!/usr/bin/perl
# CPU time a request of a pool, by what is done about links: "hello", and a page of 20 KiB with 40 links of which every fourth
# leads to the server of the files. Rewriting what is no page must cost next to nothing.
# usage: links.pl [ROUNDS [SECONDS]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::Bench qw(run_on cost_of_request median missing_programs);
use Mpsup::Test  qw(new_site free_port request wait_until);

my ($rounds, $seconds) = (shift // 5, shift // 2);
if (my @missing = missing_programs(qw(wrk taskset))) {
    print "links: @missing is not installed (packaging/install-dependencies bench): not measured\n";
    exit 0;
}
my $site = new_site(name => 'bench');
my ($docs, $app) = (free_port(), free_port());
mkdir $site->dir . '/root';
mkdir $site->dir . '/root/static';
$site->write('app.psgi', <<'APP');
my $page = "<!DOCTYPE html><title>a page</title>\n" . join '', map {
    my $to = $_ % 4 ? "/app/$_" : "/static/$_";
    "<p>" . 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. ' x 8 . "<a href=\"$to\">link $_</a></p>\n"
} 1 .. 40;
my $hello = "Hello world\n";
sub { $_[0]{PATH_INFO} eq '/page' ? [200, ['Content-Type' => 'text/html', 'Content-Length' => length $page], [$page]]
                                  : [200, ['Content-Type' => 'text/plain', 'Content-Length' => 12], [$hello]] };
APP

sub start {
    my ($mode) = @_;
    run_on(0);
    $site->must('up', $site->write('site.yaml', "site: bench\nlinks: $mode\nworkers:\n"
        . qq{  docs: {kind: static, listen: "127.0.0.1:$docs", root: root, serves: [/static/], health: {every: 300s}}\n}
        . qq{  app: {kind: dynamic, listen: "127.0.0.1:$app", app: app.psgi, pool: 1, health: {every: 300s}}\n}));
    run_on(1);
    return;
}

my %took;
for my $round (1 .. $rounds) {
    for my $mode (qw(off rewrite)) {
        start($mode);
        for my $path (qw(/hello /page)) {
            cost_of_request("http://127.0.0.1:$app$path", 1, $site->supervisor_pid) if $round == 1;
            push @{ $took{"$path $mode"} }, 1e6 * cost_of_request("http://127.0.0.1:$app$path", $seconds, $site->supervisor_pid);
        }
    }
}
for my $what (sort keys %took) {
    my @sorted = sort { $a <=> $b } @{ $took{$what} };
    printf "links: %-15s %8.2f us of CPU a request (%.2f to %.2f)\n", $what, median(@sorted), @sorted[0, -1];
}
my $size = length request($app, '/page')->{body};
my $per_octet = 1000 * (median(@{ $took{'/page rewrite'} }) - median(@{ $took{'/page off'} })) / $size;
printf "links: rewriting takes %.1f ns an octet of %d (target: at most 30)%s\n", $per_octet, $size, $per_octet <= 30 ? '' : ' MISSED';
exit($per_octet <= 30 ? 0 : 1);
