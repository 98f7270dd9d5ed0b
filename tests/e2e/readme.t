# Every piece of YAML in README.md is one that `mpsup validate` takes.
use strict;
use warnings;
use Mpsup::Test qw(new_site);
use FindBin;
use Test::More;

my $site   = new_site();
my $readme = Mpsup::Test::read_file("$FindBin::Bin/../../README.md");
my $root   = $site->dir;
mkdir "$root/$_" for qw(root root/static gitweb);
$site->write('app.psgi', 'sub { [200, [], ["x"]] }');
$site->write("gitweb/$_", '') for qw(index.cgi gitweb.conf.perl);

my $worker = <<'YAML';
site: readme
workers:
  database_proxy: {kind: static, listen: "127.0.0.1:18001", root: root}
  api: {kind: static, listen: "127.0.0.1:18002", root: root}
  perl:
    kind: dynamic
    listen: "127.0.0.1:18003"
    app: app.psgi
YAML

# Whole files as they are, but with folders that are here; the keys of a worker one by one, in a worker.
sub files_of {
    my ($text) = @_;
    $text =~ s{(root|dir): /[\w/.-]+}{$1: root}g;
    $text =~ s{\[(?:/usr/local/bin/\w+|\./check-migrations)}{[/bin/true}g;
    $text =~ s{app: /[\w/.-]+}{app: app.psgi}g;
    return $text if $text =~ /^site:/;
    return "site: readme\n" . $text =~ s/^(  httpd_perl:\n)/$1    kind: dynamic\n    listen: "127.0.0.1:18003"\n    app: app.psgi\n/mr
        if $text =~ /^workers:/m;
    return map { $worker . s/^/    /gmr } split /^(?=\w)/m, $text;
}

my $count = 0;
while ($readme =~ /^```yaml\n(.*?)^```/gms) {
    for my $file (files_of($1)) {
        ++$count;
        my ($code, $out, $err) = $site->mpsup('validate', $site->write('readme.yaml', $file));
        is $code, 0, "piece $count" or diag $file, $out, $err;
    }
}
cmp_ok $count, '>=', 15, 'there is YAML in it';

done_testing;
