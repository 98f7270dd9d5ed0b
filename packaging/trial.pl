# What packaging/two-machines does once all is built: machines, etcd, supervisors, the topology up; then it waits, or checks all pages.
use strict;
use warnings;
use Mpsup::Machines qw(host);
use File::Basename  qw(dirname);
use IO::Socket::INET;
use JSON::PP        qw(decode_json);
use Mpsup::Cluster  ();
use Mpsup::Crawl    qw(crawl);
use Mpsup::Layouts  qw(repository);
use Mpsup::Test     qw(build_dir wait_until);

$| = 1;
my $is_check = $ARGV[0] eq '--check' && shift @ARGV;
my ($file) = @ARGV;
my $given = $file;
if (my $reason = Mpsup::Cluster::reason()) { die "two-machines: $reason\n" }

# gitweb has an end when it shows a small repository.
my $user = $ENV{SUDO_UID} && [@ENV{qw(SUDO_UID SUDO_GID)}];
if ($is_check && $file =~ m{\Atopologies/}) {
    $file = repository() . "/$file";
    system('chown', '-R', join(':', @$user), dirname(repository())) if $user;
}

sub step { my ($what) = @_; print "\n== $what\n"; return }

my $mpsup = build_dir() . '/mpsup';
my $config = decode_json(qx($mpsup config -o json '$file') || die "two-machines: see above\n")->{topology};
die "two-machines: $given is for one machine: `mpsup up $given` runs it\n" if keys %{ $config->{machines} // {} } < 2;
my @machines = map { "$_=$config->{machines}{$_}{address}" } sort keys %{ $config->{machines} };

step('machines: ' . join(', ', map { s/=/ /r } @machines) . '; etcd: ' . Mpsup::Machines::here());
my $cluster = Mpsup::Cluster->new(machines => \@machines, site => $config->{site}, user => $user);
$cluster->network->connect_host('10.9.0.253') if !$is_check;
$cluster->supervise;
my ($first) = $cluster->names;

# On the first machine, for all to see.
sub show {
    my ($verb, @arguments) = @_;
    step("mpsup $verb @arguments");
    return system($cluster->on($first)->{inside}->(), $cluster->on($first)->command($verb, @arguments)) == 0;
}

# Addresses of workers of a kind, host:port.
sub addresses {
    my ($kind) = @_;
    my @found;
    for my $worker (grep { $_->{kind} eq $kind } map { $config->{workers}{$_} } sort keys %{ $config->{workers} }) {
        my @on = map { $config->{machines}{$_}{address} } ref $worker->{on} ? @{ $worker->{on} } : $worker->{on};
        push @found, map { my $listen = $_; $listen =~ /:/ ? $listen : map { "$_:$listen" } @on } map { ref ? @$_ : $_ } $worker->{listen} // ();
    }
    return @found;
}

# Where pages are, and where else links of theirs may lead.
my @pages = addresses('accelerator');
@pages = addresses('dynamic') if !@pages;
my @servers = (@pages, addresses('static'));

# An address that follows a machine comes when nobody can have it from before.
sub wait_for_server {
    my ($server, $seconds) = @_;
    my $is_there = sub { IO::Socket::INET->new(PeerAddr => $server, Timeout => 1) };
    return if $is_there->();
    print "waiting until $server answers: an address that follows a machine comes within 18 seconds\n";
    wait_until($seconds, "$server is there", $is_there);
    return;
}

# From each address that has pages.
sub check {
    my (%asked, $expected);
    my $failed = 0;
    for my $server (@pages) {
        step("every page of both sites from $server on");
        wait_for_server($server, 40);
        my @others = grep { $_ ne $server } @servers;
        my ($found, $from) = crawl(servers => [$server, @others], start => ['/', '/demo/'], max => 1000, unlike => qr/a=snapshot/, asked => \%asked);
        $expected //= $found;
        my @wrong = map { "$_ from $from->{$_}: $found->{$_}" } grep { $found->{$_} =~ /\A[45]/ && !m{\A/\?p=} } sort keys %$found; # gitweb has some of its own
        push @wrong, map { "$_ was not found" } grep { ($found->{$_} // '') !~ /\A200 / } qw(/ /demo/ /demo/links /demo/static/demo.css /static/gitweb.css);
        push @wrong, map { "$_ is another page than at $pages[0]" } grep { ($expected->{$_} // '') ne ($found->{$_} // '') } keys %{ {%$expected, %$found} };
        print "$_\n" for @wrong;
        $failed += @wrong;
        printf "%d paths\n", scalar keys %$found;
    }
    print "requests: ", join(', ', map { ($asked{$_} // 0) . " to $_" } @servers), "\n";
    return !$failed && keys %$expected > 100 && !grep { !$asked{$_} } @servers;
}

sub stop {
    step('stop');
    my @failed = grep { $cluster->end($_, 'TERM') != 0 } reverse $cluster->names;
    print map { "the supervisor of $_ did not end well: " . $cluster->log($_) } @failed;
    $cluster->etcd->stop;
    my @left = map { $cluster->network->pids($_) } $cluster->names;
    print "processes were left: @left\n" if @left;
    return !@failed && !@left;
}

my $is_well = show('up', $file) && show('status');
if ($is_check) {
    my $is_served = $is_well && eval { check() };
    print $@;
    $is_well = stop() && $is_served;
    print $is_well ? "\nall of it held\n" : "\nnot all of it held\n";
    exit($is_well ? 0 : 1);
}
step('from here on');
print $@ if $is_well && !eval { wait_for_server($pages[0], 30); 1 };
print "open            http://$pages[0]/ and http://$pages[0]/demo/\n";
print "ask             $mpsup --state-dir " . $cluster->on($_)->{state} . " status     (on $_)\n" for $cluster->names;
print "stop            Ctrl-C, or kill\n";
Mpsup::Machines::at_signal(sub { exit(stop() ? 0 : 1) });
sleep 1 while grep { $cluster->network->pids($_) } $cluster->names;
print "nothing runs any more\n";
