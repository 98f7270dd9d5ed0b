# Machines in network namespaces: each has its name, its own loopback and an eth0 (10.9.0.1, .2, ... in the order of their names) that leads to a
# bridge. The test itself is where the bridge is, as 10.9.0.254. Whoever uses this module is started anew in network and process
# namespaces of its own: nothing of the host's network is touched, every port is free, and whatever runs ends with the test.
package Mpsup::Machines;
use strict;
use warnings;
use Carp        qw(croak);
use Mpsup::Test qw(read_file wait_until);
use POSIX       ();

# Where the test is.
sub here { return '10.9.0.254' }

# What a machine needs of the system, tried before anything depends on it. No files: namespaces, and links in them, live as long as
# processes do.
my @private = qw(unshare --net --pid --fork --kill-child --mount-proc);
my $attempt = 'ip link add name probe type bridge && ip link add name port type veth peer name eth0 && tc qdisc add dev port root blackhole';
my $reason;

# The first process of the namespace waits for orphans as init does (dash reaps whoever it waits beside). With `host` its network
# can be connected to the host's. Who was started stays outside and stands for what runs inside: its signals, its end, its exit code.
sub import {
    my ($class, @wishes) = @_;
    if (my $outside = $ENV{MPSUP_OUTSIDE}) {
        croak 'MPSUP_OUTSIDE is set, and this is outside' if network_of('self') eq $outside;
        at_signal(sub { exit 1 }); # END cleans up
        must(qw(ip link set lo up));
        return;
    }
    return if defined($reason = cannot());
    local $ENV{MPSUP_OUTSIDE} = network_of('self');
    local $^F = 100; # what is opened here stays open
    open my $host, '<', '/proc/self/ns/net' or croak "/proc/self/ns/net: $!";
    local $ENV{MPSUP_HOST} = grep({ $_ eq 'host' } @wishes) ? '/proc/self/fd/' . fileno $host : '';
    close $host if !$ENV{MPSUP_HOST};
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        exec qw(setpriv --pdeathsig KILL), @private, 'sh', '-c', '"$@"; exit $?', 'sh', $^X, map({ "-I$_" } @INC), $0, @ARGV
            or POSIX::_exit(127);
    }
    stand_for($pid);
}

# At the first signal that asks to end; a terminal and who stands for us may both send one.
my @signals = qw(INT TERM HUP);

sub at_signal {
    my ($end) = @_;
    $SIG{$_} = sub { @SIG{@signals} = ('IGNORE') x @signals; $end->() } for @signals;
    return;
}

# unshare(1) keeps signals to itself, and so does the first process of a namespace: the program is the child of its child.
sub stand_for {
    my ($pid) = @_;
    my $child_of = sub { my ($parent) = @_; return $parent ? (split ' ', read_file("/proc/$parent/task/$parent/children"))[0] : undef };
    for my $signal (@signals) {
        $SIG{$signal} = sub { my $inside = $child_of->($child_of->($pid)); kill $inside ? ($signal, $inside) : ('KILL', $pid) };
    }
    1 while waitpid($pid, 0) != $pid;
    my $status = $?;
    @SIG{@signals} = ('DEFAULT') x @signals;
    kill $status & 127, $$ if $status & 127;
    POSIX::_exit($status >> 8);
}

# Why there can be no machines here, in words for plan skip_all; nothing if there can.
sub reason { return $reason }

sub cannot {
    return 'only root makes network namespaces' if $> != 0;
    for my $tool (qw(unshare nsenter setpriv ip tc)) {
        return "$tool is not installed" if !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
    }
    my ($line) = split /\n/, qx(@private sh -c '$attempt' 2>&1);
    return $? ? 'namespaces cannot be made here: ' . ($line // 'unknown') : undef;
}

sub network_of { my ($pid) = @_; return readlink("/proc/$pid/ns/net") // '' }

sub must {
    my (@command) = @_;
    system(@command) == 0 or croak "@command: failed";
    return;
}

my $network; # at the end of the test it is taken down

# Machines of these names, all on. An address of its own comes behind the name: "web1=10.9.0.7".
sub new {
    my ($class, @machines) = @_;
    croak $reason if $reason;
    croak 'there is a network already' if $network;
    my (@names, %address);
    for my $machine (@machines) {
        my ($name, $address) = split /=/, $machine;
        push @names, $name;
        $address{$name} = $address // '10.9.0.' . @names;
    }
    my $self = $network = bless {names => \@names, address => \%address, machines => {}}, $class;
    must(qw(ip link add name bridge address), card(here()), qw(type bridge forward_delay 0));
    must(qw(ip address add), here() . '/24', qw(dev bridge));
    must(qw(ip link set bridge up));
    $self->boot($_) for @names;
    return $self;
}

sub names { return @{ $_[0]{names} } }

sub address { my ($self, $name) = @_; return $self->{address}{$name} // croak "no machine $name" }

# The host gets a link to the bridge too, with this address; it goes with the namespace.
sub connect_host {
    my ($self, $address) = @_;
    my @there = ('nsenter', "--net=$ENV{MPSUP_HOST}", '--');
    my ($taken) = grep { !/^default/ } qx(@there ip -4 route show to match $address);
    croak "the host knows another network of these addresses: $taken" if $taken;
    must(qw(ip link add name host type veth peer name mpsup netns), $ENV{MPSUP_HOST});
    must(qw(ip link set host master bridge up));
    must(@there, qw(ip address add), "$address/24", qw(dev mpsup));
    must(@there, qw(ip link set mpsup up));
    return;
}

# The hardware address of its network card: a machine that is switched off and on has the same card, and those who knew it need not
# learn a new one (which takes Linux up to 45 s).
sub card { my ($address) = @_; return sprintf '02:00:%02x:%02x:%02x:%02x', split /\./, $address }

# Switches a machine on: a network, and nothing that runs.
sub boot {
    my ($self, $name) = @_;
    croak "$name is on" if $self->{machines}{$name};
    my $pid = fork // croak "fork: $!";
    if (!$pid) { exec qw(unshare --net --uts sh -c), "echo $name > /proc/sys/kernel/hostname; exec sleep infinity" or POSIX::_exit(127) }
    wait_until(10, "$name is on", sub { network_of($pid) ne network_of('self') && read_file("/proc/$pid/comm") eq "sleep\n" });
    $self->{machines}{$name} = $pid;
    must(qw(ip link add name), $name, qw(type veth peer name eth0 address), card($self->address($name)), 'netns', $pid);
    must(qw(ip link set), $name, qw(master bridge up));
    must($self->inside($name), 'sh', '-c', "ip link set lo up && ip address add @{[$self->address($name)]}/24 dev eth0 && ip link set eth0 up");
    return;
}

# What to put before a command so that it runs on a machine.
sub inside {
    my ($self, $name) = @_;
    my $pid = $self->{machines}{$name} // croak "$name is off";
    return ('nsenter', "--net=/proc/$pid/ns/net", "--uts=/proc/$pid/ns/uts", '--');
}

# Runs a command on a machine and waits: exit code, standard output and error together.
sub run {
    my ($self, $name, @command) = @_;
    my $pid = open(my $out, '-|') // croak "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
        exec $self->inside($name), @command or POSIX::_exit(127);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $text);
}

# Starts a command on a machine, with its output in a file; its process.
sub start {
    my ($self, $name, $log, @command) = @_;
    my @inside = $self->inside($name);
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    open STDIN,  '<',  '/dev/null' or POSIX::_exit(127);
    open STDOUT, '>>', $log        or POSIX::_exit(127);
    open STDERR, '>&', \*STDOUT    or POSIX::_exit(127);
    exec @inside, @command or POSIX::_exit(127);
}

# Every process that runs on a machine.
sub pids {
    my ($self, $name) = @_;
    my $holder = $self->{machines}{$name} // return;
    return grep { $_ != $holder } pids_in(network_of($holder));
}

# Those that have ended and were not waited for have no network any more.
sub pids_in {
    my %is_wanted = map { $_ => 1 } grep { $_ ne '' } @_;
    return grep { $is_wanted{ network_of($_) } } map { m{/(\d+)\z} } glob '/proc/[0-9]*';
}

# The whole machine: STOP pauses it, CONT lets it go on.
sub signal {
    my ($self, $name, $signal) = @_;
    kill $signal, $self->pids($name);
    return;
}

# Power off, as the others see it: nothing comes any more, not even the end of a connection.
sub kill_machine {
    my ($self, $name) = @_;
    my $pid = $self->{machines}{$name} // croak "$name is off";
    $self->cut($name);
    my $network = network_of($pid);
    end_all(sub { pids_in($network) });
    waitpid $pid, 0;
    delete $self->{machines}{$name};
    # It would stay for as long as the kernel tries to end connections that nobody answers.
    system("ip link delete dev $name 2>/dev/null");
    return;
}

sub end_all {
    my ($pids) = @_;
    wait_until(10, 'nothing runs', sub {
        my @left = $pids->() or return 1;
        kill 'KILL', @left;
        return 0;
    });
    return;
}

# Takes every packet away without a word, as a broken cable does: those that the machine sends (out), those to it (in), or both.
sub cut {
    my ($self, $name, @directions) = @_;
    for my $direction (@directions ? @directions : qw(in out)) {
        must($direction eq 'out' ? ($self->inside($name), qw(tc qdisc replace dev eth0)) : (qw(tc qdisc replace dev), $name), qw(root blackhole));
    }
    return;
}

sub heal {
    my ($self, $name) = @_;
    system($self->inside($name), 'sh', '-c', 'tc qdisc delete dev eth0 root 2>/dev/null');
    system('sh', '-c', "tc qdisc delete dev $name root 2>/dev/null");
    return;
}

# Runs what is given in a process on a machine; what it returns is its exit code. Its process.
sub fork_on {
    my ($self, $name, $code) = @_;
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    open my $there, '<', "/proc/$self->{machines}{$name}/ns/net" or POSIX::_exit(127); # it keeps the name of the test's machine
    require 'syscall.ph'; ## no critic
    syscall(SYS_setns(), fileno($there), 0) == 0 or POSIX::_exit(127);
    my $result = eval { $code->() };
    print STDERR $@ if !defined $result;
    POSIX::_exit($result // 126);
}

# Before folders are removed: nothing writes to them. A process of these networks is ours, whoever its parent is.
my $owner = $$;

END {
    if ($network && $$ == $owner) {
        my $code = $?;
        my @networks = (network_of('self'), map { network_of($_) } values %{ $network->{machines} });
        eval { end_all(sub { grep { $_ != $$ && $_ != 1 } pids_in(@networks) }); 1 } or print STDERR $@;
        system('ip link delete dev host 2>/dev/null');
        $? = $code;
    }
}

1;
