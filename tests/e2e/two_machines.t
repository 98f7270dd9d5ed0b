# packaging/two-machines --check: the shipped layouts of several machines serve every page, and stop well. With MPSUP_LONG=1 the
# others too.
use strict;
use warnings;
use Mpsup::Cluster ();
use File::Temp  ();
use IO::Socket::INET;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(build_dir read_file source_root wait_until);
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

subtest 'one machine' => sub {
    my $out = qx(packaging/two-machines --check topologies/two-ports.yaml 2>&1);
    isnt $?, 0, 'is refused';
    is $out, "two-machines: topologies/two-ports.yaml is for one machine: `mpsup up topologies/two-ports.yaml` runs it\n", '  before anything is started';
};

# In the background it ends by its pid; what it printed can be asked from outside of its namespaces.
for my $layout ('two-machines', $ENV{MPSUP_LONG} ? 'fleet' : ()) { subtest "$layout, until it is told to end" => sub {
    my $said = File::Temp->new;
    my $pid  = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $said    or die;
        open STDERR, '>&', \*STDOUT or die;
        exec 'packaging/two-machines', "topologies/$layout.yaml" or die;
    }
    my $all = sub { my $text = read_file($said->filename); return $text =~ /^stop /m ? $text : undef };
    my $text = eval { wait_until(60, 'it runs', $all) } // read_file($said->filename);
    my ($open) = $text =~ m{^open +http://([\d.:]+)/}m or diag $text;
    ok(IO::Socket::INET->new(PeerAddr => $open, Timeout => 1), "$open answers");
    my ($ask) = $text =~ /^ask +(.+) status +\(on app1\)$/m or diag $text;
    my $size = decode_json(qx($ask size -o json));
    my %roles = map { $_->{role} => 1 } @{ $size->{processes} };
    is_deeply [grep { $_ ne 'light' } sort keys %roles], [qw(child master supervisor)], 'mpsup size';
    my ($supervisor) = grep { $_->{role} eq 'supervisor' } @{ $size->{processes} };
    like read_file("/proc/$supervisor->{pid}/cmdline") =~ tr/\0/ /r, qr/ supervise .*--machine app1/, '  says pids of here';
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is $?, 0, 'it ends well';
    unlike read_file($said->filename), qr/processes were left/, '  and nothing is left' or diag read_file($said->filename);
} }

local $ENV{WEB1} = '10.9.0.2'; # as the other
my $out = qx(packaging/two-machines --check 2>&1);
isnt $?, 0, 'what is wrong does not hold';

done_testing;
