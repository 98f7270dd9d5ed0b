#!/usr/bin/perl
# Certificates that a topology names are looked at before anything starts.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port);
use Test::More;

my $site = new_site(name => 'secure');
my $dir  = $site->dir;
my $port = free_port();
mkdir "$dir/root";
$site->write('garbage.pem', "nothing of the kind\n");
for my $name (qw(good other)) {
    my @make = (qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj), "/CN=$name.example", '-days', 3);
    system("@make -keyout $dir/$name.key -out $dir/$name.pem 2>/dev/null") == 0 or plan skip_all => 'openssl makes no certificates here';
}
# A CA without a database signs for any time.
system("openssl req -new -key $dir/good.key -subj /CN=old.example -out $dir/old.csr 2>/dev/null"
        . " && openssl x509 -req -in $dir/old.csr -signkey $dir/good.key -days -1 -out $dir/old.pem 2>/dev/null");

sub topology {
    my ($cert, $key) = @_;
    return $site->topology(<<"YAML");
  docs:
    kind: static
    listen: {address: "127.0.0.1:$port", tls: on}
    root: root
    tls:
      - {cert: $cert,
         key: $key}
YAML
}

sub refuses {
    my ($what, $cert, $key, $place, $message, $remedy) = @_;
    for my $verb (qw(validate up)) {
        my ($code, $out, $err) = $site->mpsup($verb, topology($cert, $key));
        is $code, 78, "$verb: $what";
        like $err, qr/site\.yaml:$place: error: $message/, 'its place and what it is';
        like $err, $remedy, 'and what helps';
    }
    my ($code) = $site->mpsup('status');
    is $code, 4, 'nothing was started';
    return;
}

refuses('garbage', 'garbage.pem', 'good.key', '8:16', '`\S*garbage.pem` holds no certificate', qr/fullchain/);
refuses('exchanged', 'good.key', 'good.pem', '8:16', '`\S*good.key` holds no certificate', qr/exchanged\?/);
refuses('another key', 'good.pem', 'other.key', '9:15', '`\S*other.key` is not the private key of', qr/asked for/);
refuses('none', 'good.pem', 'no.key', '9:15', 'there is no', qr/no\.key/);

my ($code, $out) = $site->mpsup('validate', topology('good.pem', 'good.key'), '-o', 'json');
is $code, 0, 'a good pair';
is_deeply decode_json($out)->{problems}, [], 'of which there is nothing to say';

SKIP: {
    skip 'no certificate of yesterday can be made', 3 if !-s "$dir/old.pem";
    my ($code, $out, $err) = $site->mpsup('validate', topology('old.pem', 'good.key'));
    is $code, 0, 'one that has expired refuses nothing';
    like $err, qr/site\.yaml:8:16: warning: `\S*old.pem` has expired, on 20/, 'and is told';
    my $json = decode_json(($site->mpsup('validate', topology('old.pem', 'good.key'), '-o', 'json'))[1]);
    is $json->{problems}[0]{severity}, 'warning', 'programs are told too';
}

$site->must('up', topology('good.pem', 'good.key'));
$site->must('down');
done_testing;
