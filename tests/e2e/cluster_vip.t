# An address that follows a living machine: it is never on two of them, whatever befalls the one that has it. How each machine stood is
# sampled on that machine, every few milliseconds.
use strict;
use warnings;
use Mpsup::Cluster;
use Mpsup::Test qw(read_file request wait_until);
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $vip     = '10.9.0.100';
my $cluster = Mpsup::Cluster->new(machines => [qw(web1 web2)]);
my $network = $cluster->network;
my $dir     = $cluster->files->dir;
mkdir "$dir/root";
$cluster->files->write('root/a.txt', "a\n");

# Writes down when the machine has the address: lines of "from to", the last one open.
sub watch_address {
    my ($name) = @_;
    return $network->fork_on($name, sub {
        open my $out, '>>', "$dir/$name.held" or die;
        $out->autoflush;
        my $has = 0;
        while (1) {
            my $now = read_file('/proc/net/fib_trie') =~ /\Q$vip\E\n.*host LOCAL/ ? 1 : 0;
            print {$out} $now ? sprintf("%.3f", time) : sprintf(" %.3f\n", time) if $now != $has;
            $has = $now;
            sleep 0.003;
        }
    });
}

sub held_by {
    my ($name) = @_;
    return map { my ($from, $to) = split; [$from, $to // time] } split /\n/, read_file("$dir/$name.held");
}

sub has { my ($name) = @_; return ($network->run($name, 'ip', '-4', 'address', 'show', 'dev', 'eth0'))[1] =~ /\Q$vip\E/ }

# Since the clocks are the same one, to the millisecond.
sub never_two {
    my @overlaps;
    for my $one (held_by('web1')) {
        push @overlaps, "web1 @$one, web2 @$_" for grep { $_->[0] < $one->[1] && $one->[0] < $_->[1] } held_by('web2');
    }
    is_deeply \@overlaps, [], 'it was never on two machines' or diag map { "$_: " . read_file("$dir/$_.held") } qw(web1 web2);
    return;
}

sub answers { return (eval { request(8080, '/a.txt', address => $vip)->{body} } // '') eq "a\n" }

# Where this network sends what is for the address: to whom it was told to, though it knew another one.
sub mac_of    { my ($name) = @_; return ($network->run($name, qw(ip -o link show dev eth0)))[1] =~ m{link/ether (\S+)} ? $1 : '' }
sub neighbour { return qx(ip neighbour show to $vip) =~ /lladdr (\S+)/ ? $1 : '' }

my ($holder, $other) = qw(web1 web2);

# In how many seconds it was nowhere.
sub gap {
    my ($from, $to) = @_;
    my @before = held_by($from);
    my @after  = held_by($to);
    return @before && @after ? $after[-1][0] - $before[-1][1] : 0;
}

sub is_on {
    my ($name, $seconds) = @_;
    my $began = time;
    ok wait_until($seconds, "$name has it", sub { has($name) && answers() }), "$name has it";
    note sprintf 'after %.1f s', time - $began;
    is neighbour(), mac_of($name), 'and its neighbours know where it is';
    never_two();
    return;
}

sub moves {
    my ($seconds) = @_;
    ($holder, $other) = ($other, $holder);
    is_on($holder, $seconds);
    note sprintf 'it was nowhere for %.2f s', gap($other, $holder);
    return;
}

# Nobody took it, nobody lost it, while that was done.
sub stays {
    my ($what) = @_;
    my $before = join ' ', map { scalar held_by($_) } qw(web1 web2);
    $what->();
    is join(' ', map { scalar held_by($_) } qw(web1 web2)), $before, "it stays on $holder all the while";
    is_on($holder, 5);
    return;
}

sub starts_again {
    my ($name) = @_;
    $cluster->supervise($name);
    $cluster->wait_for_state($name, 'connected');
    $cluster->wait_converged(30);
    return;
}

sub status_says {
    my ($wanted) = @_;
    my $out;
    ok wait_until(10, $wanted, sub { $out = ($cluster->on($other)->mpsup('status'))[1]; $out =~ /^\Q$wanted\E$/m }), "status: $wanted" or diag $out;
    return;
}

sub explain { my ($name) = @_; return ($cluster->on($name)->mpsup('explain', "http://$vip:8080/a.txt"))[1] }

$cluster->supervise;
watch_address($_) for $cluster->names;
my $file = $cluster->topology(<<"YAML", more => "vip: {address: $vip/24, on: [web1, web2]}\n");
  docs: {kind: static, on: [web1, web2], listen: ["$vip:8080", "8080"], root: root}
YAML
my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $file, '--timeout', '60s');
is $code, 0, 'it is up' or diag $out, $err;

subtest 'the first of its list has it' => sub {
    is_on('web1', 25); # whoever had it before may have a lease still
    like +($network->run('web1', 'ip', '-4', 'address', 'show', 'dev', 'eth0'))[1], qr/\Q$vip\E.*\n\s+valid_lft (\d+)sec/, 'for a while, by the kernel';
    status_says("vip $vip/24: web1");
    like explain('web1'), qr/^machine +web1 \(has the vip now\)$/m, 'explain goes on there';
};

subtest 'its supervisor ends' => sub {
    is $cluster->end('web1', 'TERM'), 0, 'well';
    like explain('web1'), qr/^machine +web1 \(the first that may have the vip: who has it is not known\)$/m, 'explain says what it does not know';
    moves(5);
    like explain('web2'), qr/^machine +web2 \(has the vip now\)$/m, 'and who has it';
};

subtest 'its machine is drained: it goes, and does not come back by itself' => sub {
    stays(sub { starts_again('web1') });
    for my $verb (qw(drain uncordon)) {
        ($code, $out, $err) = $cluster->on('web1')->mpsup($verb, 'web2');
        is $code, 0, $verb or diag $out, $err;
        moves(5) if $verb eq 'drain';
    }
    status_says("vip $vip/24: web1");
};

# These wait for leases to end.
if ($ENV{MPSUP_LONG}) {
    subtest 'its machine is killed' => sub {
        $network->kill_machine($holder);
        open my $out, '>>', "$dir/$holder.held" or die; # whoever wrote it has ended too
        printf {$out} " %.3f\n", time;
        close $out;
        delete $cluster->{pids}{$holder};
        moves(25);
        $network->boot($other);
        watch_address($other);
        starts_again($other);
    };
    subtest 'its supervisor is killed, and started again at once' => sub {
        stays(sub {
            kill 'KILL', $cluster->pid($holder);
            waitpid $cluster->pid($holder), 0;
            starts_again($holder);
            sleep 15; # what the one that was killed had told the kernel is over
        });
    };
    subtest 'another program is put in the place of its supervisor' => sub {
        stays(sub { is +($cluster->on($holder)->mpsup('upgrade'))[0], 0, 'upgrade'; sleep 15 });
    };
    subtest 'its supervisor freezes' => sub {
        kill 'STOP', $cluster->pid($holder);
        moves(30);
        ok !has($other), 'the kernel has taken it away from who is frozen';
        kill 'CONT', $cluster->pid($other);
        sleep 3;
        never_two();
    };
    subtest 'its machine is cut off' => sub {
        $cluster->wait_for_state($other, 'connected');
        $network->cut($holder);
        moves(30);
        $network->heal($other);
        $cluster->wait_for_state($other, 'connected', 40);
        never_two();
    };
    subtest 'etcd is away for some seconds' => sub {
        stays(sub { $cluster->etcd->stop; sleep 4; $cluster->etcd->start; sleep 15 });
    };
    subtest 'etcd is gone' => sub {
        $cluster->etcd->stop;
        my $began = time;
        wait_until(30, 'nobody has it', sub { !has('web1') && !has('web2') });
        note sprintf 'gone after %.1f s', time - $began;
        status_says("vip $vip/24: who has it is not known");
        $cluster->etcd->start;
        is_on($holder, 10);
    };
    subtest 'another etcd, which nobody accepts, gives it to nobody' => sub {
        $cluster->etcd->empty->start;
        $cluster->wait_for_state($_, 'unaccepted') for $cluster->names;
        sleep 20;
        ok !has('web1') && !has('web2'), 'nobody has it';
        ($code, $out, $err) = $cluster->on('web1')->mpsup('cluster', 'accept');
        is $code, 0, 'accept' or diag $out, $err;
        ok wait_until(30, 'somebody has it', sub { (has('web1') || has('web2')) && answers() }), 'after that somebody has it again';
        never_two();
    };
}

done_testing;
