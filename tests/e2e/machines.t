# Machines in namespaces, as the tests of several machines need them: they reach each other, are cut off in one direction or both,
# are paused and killed, and nothing of them is left, whatever becomes of the test.
use strict;
use warnings;
use Mpsup::Machines;
use Mpsup::Test qw(new_site read_file wait_until);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Mpsup::Machines::reason() if Mpsup::Machines::reason();

my $site    = new_site();
my $network = Mpsup::Machines->new(qw(web1 app1));
is_deeply [map { $network->address($_) } $network->names], [qw(10.9.0.1 10.9.0.2)], 'each has its address';

# Answers what it is sent, until it ends.
sub echo {
    my ($address) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => 7, Listen => 5, ReuseAddr => 1) or die "listen: $!";
    my $select   = IO::Select->new($listener);
    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $listener) { $select->add($listener->accept) }
            elsif (sysread $socket, my $text, 1000) { syswrite $socket, $text }
            else { $select->remove($socket) }
        }
    }
    return 0;
}

sub new_client { return IO::Socket::INET->new(PeerAddr => $_[0], PeerPort => 7, Timeout => $_[1] // 5) }

sub answers {
    my ($socket, $text, $seconds) = @_;
    syswrite $socket, $text;
    return '' if !IO::Select->new($socket)->can_read($seconds // 0.3);
    sysread $socket, my $reply, 1000;
    return $reply eq $text;
}

my $echo   = $network->fork_on('app1', sub { echo('10.9.0.2') });
my $client = wait_until(5, 'app1 listens', sub { new_client('10.9.0.2') });
ok answers($client, 'hello'), 'the test reaches a machine';
is $network->fork_on('web1', sub { answers(new_client('10.9.0.2'), 'from web1') ? 0 : 1 }), waitpid(-1, 0), 'a machine the other';
is $?, 0, '  which answers';
is_deeply [$network->run('web1', 'sh', '-c', 'echo said; echo wrong >&2; exit 3')], [3, "said\nwrong\n"], 'a command runs on a machine';
is +($network->run('web1', 'uname', '-n'))[1], "web1\n", 'each has its name';
is_deeply [$network->pids('app1')], [$echo], 'and its processes are known';

subtest 'a link is cut' => sub {
    for my $case (['in'], ['out'], []) {
        $network->cut('app1', @$case);
        ok !answers($client, "cut @$case"), "@$case: nothing comes through";
        ok !new_client('10.9.0.2', 0.3), '  and nobody connects';
        $network->heal('app1');
        # What was sent meanwhile is sent again, later each time.
        ok wait_until(10, 'it goes on', sub { sysread $client, my $reply, 1000 }), '  then the connection goes on';
        ok answers($client, 'healed'), '  as before';
    }
};

subtest 'a machine is paused' => sub {
    $network->signal('app1', 'STOP');
    ok !answers($client, 'paused'), 'it does not answer';
    $network->signal('app1', 'CONT');
    ok(IO::Select->new($client)->can_read(5), 'then it does');
    sysread $client, my $reply, 1000;
    is $reply, 'paused', 'what it was asked';
};

subtest 'a machine is killed' => sub {
    my $card_of = sub { return (($network->run('app1', qw(ip link show dev eth0)))[1] =~ m{link/ether (\S+)})[0] };
    my $card    = $card_of->();
    $network->kill_machine('app1');
    ok !answers($client, 'dead'), 'it does not say that it is gone';
    ok !new_client('10.9.0.2', 0.3), 'and nobody connects';
    ok !kill(0, $echo) || waitpid($echo, POSIX::WNOHANG()) == $echo, 'nothing of it runs';
    $network->boot('app1');
    is $card_of->(), $card, 'when it is on again it has the network card it had';
    is_deeply [$network->pids('app1')], [], '  there is nothing on it';
    $network->fork_on('app1', sub { echo('10.9.0.2') });
    ok wait_until(5, 'app1 listens', sub { new_client('10.9.0.2') }), 'and it can be used';
};

# Another test like this one, with namespaces of its own inside of ours, so that what is left of it can be seen from here.
sub left_of {
    my ($how) = @_;
    my $said    = $site->dir . '/said';
    my $program = $site->write('other.t', <<'PERL');
use Mpsup::Machines qw(host);
use Mpsup::Test qw(write_file);
my $network = Mpsup::Machines->new('web1=10.7.0.1', 'app1');
$network->connect_host('10.7.0.253');
$network->start('app1', '/dev/null', qw(setsid sleep 1000));
$network->start('web1', '/dev/null', 'sh', '-c', 'setsid sleep 1000 & setsid sleep 1000 & exit');
select undef, undef, undef, 0.02 until 3 == grep { $network->pids($_) } qw(app1 web1 web1);
write_file("$ARGV[0].new", join ' ', $$, map { readlink "/proc/$_/ns/net" } 'self', values %{ $network->{machines} });
rename "$ARGV[0].new", $ARGV[0];
eval $ARGV[1];
die $@ if $@;
PERL
    unlink $said;
    my $traces = sub { qx(ip -brief link; ip -brief -4 address; ls /run/netns 2>&1; wc -l < /proc/self/mountinfo) };
    my $before = $traces->();
    my $pid    = fork // die "fork: $!";
    if (!$pid) {
        delete $ENV{MPSUP_OUTSIDE};
        open STDERR, '>', '/dev/null' or die;
        exec $^X, map({ "-I$_" } @INC), $program, $said, ref $how ? 'sleep 1000' : $how or die;
    }
    wait_until(20, 'the other is there', sub { -e $said });
    my ($inner, @networks) = split / /, read_file($said);
    if (ref $how) {
        cmp_ok scalar(Mpsup::Machines::pids_in(@networks)), '>=', 4, 'it runs';
        like $traces->(), qr/^mpsup\@/m, 'and has a link to where it was started';
    }
    $how->($pid, $networks[0]) if ref $how;
    waitpid $pid, 0;
    my $code = $?;
    ok eval { wait_until(5, 'all of it is gone', sub { !Mpsup::Machines::pids_in(@networks) }) }, 'nothing of it runs';
    eval { wait_until(5, 'no trace', sub { $traces->() eq $before }) };
    is $traces->(), $before, 'there is no link, no namespace, no mount more than before';
    return $code;
}

subtest 'a test ends'            => sub { is left_of('exit 0') >> 8, 0, 'well' };
subtest 'a test dies'            => sub { isnt left_of('die "so"') >> 8, 0, 'and says so' };
subtest 'a test kills itself'    => sub { is left_of('kill KILL => $$') >> 8, 137, 'and that is seen' };
subtest 'a test is told to end'  => sub { is left_of(sub { kill 'TERM', $_[0] }) >> 8, 1, 'and does' };
subtest 'a test is killed'       => sub { is left_of(sub { kill 'KILL', $_[0] }) & 127, 9, 'and that is seen' };
subtest 'a test is asked to end' => sub {
    # From outside, as Ctrl-C does it: the test itself gets the signal.
    my $how = sub {
        my ($outer, $hub) = @_;
        kill 'TERM', grep { read_file("/proc/$_/cmdline") =~ /other\.t/ && read_file("/proc/$_/comm") eq "perl\n" } Mpsup::Machines::pids_in($hub);
    };
    is left_of($how) >> 8, 1, 'it does';
};

done_testing;
