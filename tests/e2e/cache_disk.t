#!/usr/bin/perl
# A cache with little memory and a second tier on the disk: what memory loses is there, also after the whole site, or its worker, was
# ended or killed; it is purged; without a disk that can be used the site serves on.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use Mpsup::Test qw(new_site free_port wait_until request);
use Test::More;

my $site = new_site(name => 'on-disk');
my $port = free_port();
my $host = "127.0.0.1:$port";
$site->write('app.psgi', <<'APP');
sub {
    my $env = shift;
    my $size = $env->{PATH_INFO} =~ m{/large} ? 3_000_000 : 20_000;
    return [200, ['Content-Type' => 'text/plain', 'Cache-Control' => 'max-age=600', 'Cache-Tag' => $env->{PATH_INFO} =~ /[02468]\z/ ? 'even' : 'odd'],
        [$env->{PATH_INFO} . ' ' . ('x' x $size)]];
}
APP
my $file = "$site->{state}/on-disk/cache/front/tier";
my $yaml = sub { <<"YAML" };
  front:
    kind: accelerator
    listen: $host
    cache: {size: 1MiB, disk: $_[0]}
    routes:
      - {path: /, to: app, cache: on}
  app: {kind: dynamic, app: app.psgi, pool: 2}
YAML
my $up = sub { $site->must('up', $site->topology($yaml->($_[0] // '64MiB'))) };
my $count = sub { my $text = $site->must('cache', 'stats'); $text =~ /^$_[0]\s+(\d+)/m ? $1 : -1 };
# The tier is there once its file was read.
my $open = sub { wait_until(10, 'the tier is open', sub { $site->must('cache', 'stats') =~ /^disk_capacity_bytes\s+[1-9]/m }) };
my $ask = sub {
    my %seen;
    for my $n (@_) {
        my $reply = request($port, "/page$n");
        is $reply->{body}, "/page$n " . ('x' x 20_000), "page $n is what it is" if $reply->{body} ne "/page$n " . ('x' x 20_000);
        $seen{$reply->{headers}{'cache-status'} =~ /; hit/ ? 'hit' : 'miss'}++;
    }
    return $seen{hit} // 0;
};

$up->();
$open->();

subtest 'memory holds a third of it' => sub {
    is $ask->(1 .. 120), 0, 'stored';
    is $ask->(1 .. 120), 120, 'all of it is there';
    cmp_ok $count->('disk_hits'), '>', 60, 'most of it on the disk';
    is $count->('disk_damaged'), 0, 'whole';
    like $site->must('cache', 'ls'), qr{disk\s+http://\Q$host\E/page1\b}, 'which is listed';
    like request($port, '/large')->{headers}{'cache-status'}, qr/stored/, 'what memory never could take';
    my $large = request($port, '/large');
    like $large->{headers}{'cache-status'}, qr/; hit/, 'comes from the disk';
    is length $large->{body}, 3_000_007, 'whole';
};

subtest 'it is purged' => sub {
    like $site->must('cache', 'purge', "http://$host/page1"), qr/^1 gone/, 'by URL';
    is $ask->(1), 0, 'and not there any more';
    $site->must('cache', 'purge', '--tag', 'even');
    is $ask->(2, 4, 6), 0, 'by tag';
    is $ask->(3, 5, 7), 3, 'the others are';
    $site->must('cache', 'purge', "http://$host/page3*");
    is $ask->(3, 31, 33), 0, 'by the beginning';
};

subtest 'a restart of the accelerator' => sub {
    $site->must('restart', 'front');
    $open->();
    cmp_ok $ask->(41, 43, 45, 47, 49), '==', 5, 'takes nothing away';
};

subtest 'a restart of the whole site' => sub {
    $site->must('cache', 'purge', "http://$host/page99");
    $site->must('down');
    $up->();
    $open->();
    cmp_ok $ask->(map { 2 * $_ + 41 } 0 .. 19), '>=', 15, 'starts warm';
    is $ask->(99), 0, 'what was purged before stays away';
};

subtest 'killed' => sub {
    $ask->(200 .. 300);
    my $status = $site->status;
    my ($front) = grep { $_->{name} eq 'front' } @{$status->{workers}};
    my $pid = $front->{processes}[0]{pid};
    kill 'KILL', $pid;
    wait_until(10, 'another one serves', sub { (request($port, '/page200')->{status} // 0) == 200 });
    $open->();
    cmp_ok $ask->(200 .. 240), '>=', 40, 'it is all there';
};

subtest 'another size' => sub {
    $up->('32MiB');
    $open->();
    wait_until(10, 'it is said', sub { $site->must('logs', 'front') =~ /made anew/ });
    is -s $file, 31 * 1024 * 1024 + 4096, 'the file has it';
    $ask->(400 .. 500);
    cmp_ok $ask->(400 .. 440), '>=', 40, 'it is used';
};

subtest 'no disk' => sub {
    $site->must('down');
    ok -e $file, 'the file is still there';
    unlink $file;
    mkdir $file;
    $up->();
    wait_until(10, 'status says so', sub { $site->must('status') =~ /front: the cache goes without the disk/ });
    like $site->must('events'), qr/worker_impaired/, 'so do the events';
    like $site->must('logs', 'front'), qr/goes without the disk/, 'and the log';
    $ask->(1);
    is $ask->(1), 1, 'it is cached in memory';
};

done_testing;
