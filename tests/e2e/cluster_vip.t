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

sub moves_to {
    my ($name, $seconds) = @_;
    my $began = time;
    ok wait_until($seconds, "$name has it", sub { has($name) && answers() }), "$name has it";
    note sprintf 'after %.1f s', time - $began;
    never_two();
    return;
}

$cluster->supervise;
watch_address($_) for $cluster->names;
my $file = $cluster->topology(<<"YAML", more => "vip: {address: $vip/24, on: [web1, web2]}\n");
  docs: {kind: static, on: [web1, web2], listen: ["$vip:8080", "8080"], root: root}
YAML
my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $file, '--timeout', '60s');
is $code, 0, 'it is up' or diag $out, $err;

subtest 'the first of its list has it' => sub {
    moves_to('web1', 25); # whoever had it before may have a lease still
    like +($network->run('web1', 'ip', '-4', 'address', 'show', 'dev', 'eth0'))[1], qr/\Q$vip\E.*\n\s+valid_lft (\d+)sec/, 'for a while, by the kernel';
};

subtest 'its supervisor ends' => sub {
    is $cluster->end('web1', 'TERM'), 0, 'well';
    moves_to('web2', 5);
};

# It takes a lease's time until one that has just begun may have it.
if ($ENV{MPSUP_LONG}) {
    subtest 'its supervisor comes back' => sub {
        $cluster->supervise('web1');
        moves_to('web1', 30);
    };
    subtest 'its machine is killed' => sub {
        $network->kill_machine('web1');
        open my $out, '>>', "$dir/web1.held" or die; # whoever wrote it has ended too
        printf {$out} " %.3f\n", time;
        close $out;
        delete $cluster->{pids}{web1};
        moves_to('web2', 25);
        $network->boot('web1');
        watch_address('web1');
        $cluster->supervise('web1');
        moves_to('web1', 30);
    };

    subtest 'its supervisor is killed, and started again at once' => sub {
        kill 'KILL', $cluster->pid('web1');
        waitpid $cluster->pid('web1'), 0;
        $cluster->supervise('web1');
        $cluster->wait_for_state('web1', 'connected');
        moves_to('web1', 30);
    };
    subtest 'its supervisor freezes' => sub {
        kill 'STOP', $cluster->pid('web1');
        moves_to('web2', 30);
        ok !has('web1'), 'the kernel has taken it away from who is frozen';
        kill 'CONT', $cluster->pid('web1');
        sleep 3;
        never_two();
        moves_to('web1', 30);
    };
    subtest 'its machine is cut off' => sub {
        $network->cut('web1');
        moves_to('web2', 30);
        $network->heal('web1');
        moves_to('web1', 40);
    };
    subtest 'etcd is gone' => sub {
        $cluster->etcd->stop;
        wait_until(30, 'nobody has it', sub { !has('web1') && !has('web2') });
        $cluster->etcd->start;
        moves_to('web1', 40);
    };
}

done_testing;
