#!/usr/bin/perl
# Connections that are kept, at the end of their time (faults no. 28): a request that arrived before they were closed is answered.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use Mpsup::Test qw(new_site free_port connect_to exchange);
use Test::More;
use Time::HiRes qw(sleep);

my $site = new_site();
my $port = free_port();
$site->write('app.psgi', q{sub { sleep 6 if $_[0]{PATH_INFO} eq '/slow'; [200, ['Content-Type' => 'text/plain'], ["page\n"]] }});
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 1}
YAML
my ($kept, $other) = map { connect_to($port) } 1 .. 2;
my $request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
is exchange($kept, $request)->{status}, 200, 'a first request';
syswrite $other, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
sleep 4; # its time of five seconds is over before the only child has time for it
syswrite $kept, $request;
my $late = Mpsup::Test::read_reply($kept);
is $late && $late->{status}, 200, 'one that came while the child was busy';
is Mpsup::Test::read_reply($other)->{status}, 200, 'the long one';
done_testing;
