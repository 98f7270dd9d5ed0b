#!/usr/bin/perl
# A site of many machines, all of them on this one: supervisors that know each other through one etcd, each with a light worker
# that nobody asks anything. Targets (100 machines, two cores): all run what is wanted within 10 s of one `up`; a restart of all of them
# ends well. Figures beside that: memory of a supervisor, and what it asks of etcd when nothing happens.
# usage: machines.pl [MACHINES]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Cwd          qw(abs_path);
use File::Temp   ();
use HTTP::Tiny   ();
use JSON::PP     qw(decode_json);
use Mpsup::Test  qw(build_dir free_port read_file wait_until write_file);
use POSIX        ();
use Time::HiRes  qw(time sleep);

my $count = shift // 100;
my ($etcd) = grep { -x } map { "$_/etcd" } split /:/, $ENV{PATH};
if (!$etcd) {
    print "machines: etcd is not installed: not measured\n";
    exit 0;
}
my $dir     = File::Temp->newdir('mpsup-machines-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{MPSUP_KEEP});
my $store   = free_port();
my $of_peers = free_port();
my $clients = "http://127.0.0.1:$store";
my $files   = free_port();
my $peer    = free_port();
my %pid;

END {
    my $status = $?;
    kill 'TERM', values %pid;
    my $deadline = time + 30;
    for my $pid (values %pid) {
        sleep 0.05 while waitpid($pid, POSIX::WNOHANG()) == 0 && time < $deadline;
        kill 'KILL', $pid if kill 0, $pid;
    }
    $? = $status;
}

sub start {
    my ($name, $log, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$dir/$log" or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT    or POSIX::_exit(127);
        exec @command or POSIX::_exit(127);
    }
    return $pid{$name} = $pid;
}

sub name_of    { return sprintf 'm%03d', $_[0] }
sub address_of { return '127.1.' . int($_[0] / 200) . '.' . ($_[0] % 200 + 1) }
sub options    { my ($name) = @_; return ('--state-dir', "$dir/$name", '--run-dir', "$dir/$name/run") }

sub mpsup {
    my ($name, @words) = @_;
    open my $output, '-|', build_dir() . '/mpsup', options($name), @words or die "mpsup: $!";
    my $text = do { local $/; <$output> };
    close $output;
    return ($? >> 8, $text);
}

# Operations that etcd has been asked for since it was started, by their names.
sub operations {
    my $metrics = HTTP::Tiny->new(timeout => 5)->get("$clients/metrics")->{content};
    my %sum;
    $sum{$1} += $2 while $metrics =~ /^grpc_server_started_total\{grpc_method="(\w+)"[^}]*\} (\S+)/mg;
    return \%sum;
}

sub pss { my ($pid) = @_; return read_file("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m ? 1024 * $1 : 0 }

sub cpu_of_store {
    my @fields = split ' ', (split /\) /, read_file("/proc/$pid{store}/stat"), 2)[1];
    return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub status { my ($code, $text) = mpsup(name_of(1), 'status', '-o', 'json', @_); return eval { decode_json($text) } }
sub running {
    my ($wanted) = @_;
    my $cluster = (status() // {})->{cluster} or return 0;
    return scalar grep { $_->{number} && $_->{number} == $wanted && $_->{well} } @{ $cluster->{machines} };
}

mkdir "$dir/root";
write_file("$dir/root/index.html", "hello\n");
start('store', 'etcd.log', $etcd, '--data-dir', "$dir/etcd", '--listen-client-urls', $clients, '--advertise-client-urls', $clients,
    '--listen-peer-urls', "http://127.0.0.1:$of_peers", '--initial-advertise-peer-urls', "http://127.0.0.1:$of_peers",
    '--initial-cluster', "default=http://127.0.0.1:$of_peers");
wait_until(20, 'etcd answers', sub { HTTP::Tiny->new(timeout => 1)->get("$clients/health")->{success} });

write_file("$dir/site.yaml", join '', "site: many\ncluster: {unavailable: 10%}\nmachines:\n",
    (map { sprintf "  %s: {address: %s}\n", name_of($_), address_of($_) } 1 .. $count),
    "workers:\n  docs:\n    kind: static\n    root: $dir/root\n    listen: $files\n    health: {every: 1h}\n    on: [",
    join(', ', map { name_of($_) } 1 .. $count), "]\n");
for my $number (1 .. $count) {
    my $name = name_of($number);
    start($name, "$name.log", build_dir() . '/mpsup', options($name), 'supervise', '--site', 'many', '--machine', $name,
        '--cluster', $clients, '--peer', address_of($number) . ":$peer");
}
wait_until(60, 'all supervisors are there', sub {
    my $cluster = (status() // {})->{cluster} or return 0;
    return $count == grep { $_->{lives} } @{ $cluster->{machines} };
});

my $began = time;
my ($code, $text) = mpsup(name_of(1), 'up', "$dir/site.yaml");
my $up = time - $began;
print $text if $code;
wait_until(60, 'all machines run it', sub { running(1) == $count });
my $converged = time - $began;
$began = time;
my ($restarted, $said) = mpsup(name_of($count), 'restart');
my $rolled = time - $began;
print $said if $restarted;

my $before = operations();
my $cpu    = cpu_of_store();
sleep 20;
my $after = operations();
my %idle  = map { $_ => ($after->{$_} - ($before->{$_} // 0)) / 20 / $count } keys %$after;
my ($memory) = (sort { $a <=> $b } map { pss($pid{ name_of($_) }) } 1 .. $count)[$count / 2];
printf "machines: %d: up in %.1f s, all run it after %.1f s (target 10); a restart of all, a tenth at a time, in %.1f s (exit %d)\n",
    $count, $up, $converged, $rolled, $restarted;
printf "machines: a supervisor has %.1f MB (PSS); idle it asks etcd %.2f times a second (%s); etcd takes %.1f %% of a core\n",
    $memory / 1e6, eval { my $sum = 0; $sum += $_ for values %idle; $sum },
    join(', ', map { sprintf '%s %.2f', $_, $idle{$_} } grep { $idle{$_} >= 0.005 } sort keys %idle), 100 * (cpu_of_store() - $cpu) / 20;
exit($code == 0 && $restarted == 0 && $converged <= 10 ? 0 : 1);
