#!/usr/bin/perl
# The accelerator's cache under the suite http-cache-tests (npm, 0.4.5): scored as the suite does, dependencies honoured. No test that
# was won once (tests/conformance/cache/won.txt) may be lost. The suite's own origin is the backend; nothing has a default lifetime.
# usage: cache_conformance.t, or cache_conformance.t URL: scores another cache, which must forward to port 8711.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use Mpsup::Test qw(new_site free_port wait_until request read_file write_file build_dir source_root);
use JSON::PP qw(decode_json);
use POSIX ();
use Test::More;

binmode $_, ":encoding(UTF-8)" for Test::More->builder->output, Test::More->builder->failure_output;

my ($other)  = @ARGV;
my $prefix   = source_root() . '/build/npm';
my $suite    = "$prefix/node_modules/http-cache-tests";
my $kept     = source_root() . '/tests/conformance/cache';
my ($required, $optimal) = (140, 70);

for my $program (qw(node npm)) {
    next if grep { -x "$_/$program" } split /:/, $ENV{PATH};
    plan skip_all => "$program is not installed";
}
if (!-e "$suite/cli.mjs") {
    my $said = `npm install --no-audit --no-fund --no-save --no-package-lock --prefix '$prefix' http-cache-tests\@0.4.5 2>&1`;
    -e "$suite/cli.mjs" or BAIL_OUT("npm could not install http-cache-tests: $said");
}

my $site = new_site(name => 'conformance');
my $dir  = $site->dir;
my $origin_port = $other ? 8711 : free_port();
my $origin = start("$dir/origin.log", [qw(node server/server.mjs)],
    npm_config_protocol => 'http', npm_config_port => $origin_port, npm_config_pidfile => "$dir/origin.pid");
END { if ($origin) { my $code = $?; kill 'KILL', $origin; waitpid $origin, 0; $? = $code } }
wait_until(20, 'the origin answers', sub { eval { request($origin_port, '/') } });

my $base = $other;
if (!$base) {
    my $port = free_port();
    $site->must('up', $site->topology(<<"YAML"));
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    cache: {size: 64MiB}
    routes:
      - {path: /, to: "127.0.0.1:$origin_port", cache: on}
YAML
    $base = "http://127.0.0.1:$port";
}

my $client = start("$dir/results.json", [qw(node --no-warnings cli.mjs)], npm_config_base => $base, npm_package_config_id => '');
is(finish($client), 0, 'the suite ran') or diag read_file("$dir/results.json");
my $score = decode_json(scalar `node --no-warnings '$kept/score.mjs' '$suite' '$dir/results.json'`);

my %won = map { $_ => 1 } map { @{ $score->{$_}{passed} } } qw(required optimal);
my ($got_required, $got_optimal) = map { scalar @{ $score->{$_}{passed} } } qw(required optimal);
note "required: $got_required of 165, optimal: $got_optimal of 95";
note sprintf '  %-9s %s %-45s %s', $_->[0], $_->[1]{verdict}, $_->[1]{id}, $_->[1]{said}
    for map { my $kind = $_; map { [$kind, $_] } @{ $score->{$kind}{failed} } } qw(required optimal);
is($got_required + @{ $score->{required}{failed} }, 165, 'all required tests of the suite were scored');
cmp_ok($got_required, '>=', $required, "required tests passed: at least $required");
cmp_ok($got_optimal,  '>=', $optimal,  "optimal tests passed: at least $optimal");
if (!$other) {
    my @lost = grep { !$won{$_} } split ' ', read_file("$kept/won.txt");
    is_deeply(\@lost, [], 'none that was won once is lost');
    if ($ENV{MPSUP_UPDATE}) { write_file("$kept/won.txt", join '', map { "$_\n" } sort keys %won) }
}
done_testing;

# A program in the suite's folder, its output in a file.
sub start {
    my ($output, $command, %environment) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    chdir $suite or POSIX::_exit(1);
    @ENV{ keys %environment } = values %environment;
    open STDIN,  '<', '/dev/null' or POSIX::_exit(1);
    open STDOUT, '>', $output     or POSIX::_exit(1);
    exec @$command or POSIX::_exit(1);
}

sub finish { my ($pid) = @_; waitpid $pid, 0; return $? }
