# packaging/two-machines --check: the shipped layouts of several machines serve every page, and stop well. With MPSUP_LONG=1 the
# others too.
use strict;
use warnings;
use Mpsup::Cluster ();
use Mpsup::Test qw(build_dir source_root);
use Test::More;

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();
plan skip_all => 'gitweb is not installed' if !-r '/usr/share/gitweb/gitweb.cgi';

local $ENV{MPSUP_BUILD} = build_dir();
delete local $ENV{MPSUP_OUTSIDE}; # it makes namespaces of its own
chdir source_root() or die "chdir: $!";
for my $layout ('two-machines', $ENV{MPSUP_LONG} ? qw(accelerated-two-machines fleet) : ()) {
    my $out = qx(packaging/two-machines --check topologies/$layout.yaml 2>&1);
    is $?, 0, "$layout: all held" or diag $out;
    like $out, qr/requests: .*10\.9\.0\.1/, '  pages were asked for';
    note $out;
}

local $ENV{WEB1} = '10.9.0.2'; # as the other
my $out = qx(packaging/two-machines --check 2>&1);
isnt $?, 0, 'what is wrong does not hold';

done_testing;
