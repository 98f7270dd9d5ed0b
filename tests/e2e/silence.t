# A machine that says nothing any more while requests are there: each of them ends long before its time-outs, is asked of another
# machine where that does no harm, and who is only slow to read is not taken for dead.
use strict;
use warnings;
use Mpsup::Machines;
use Mpsup::Test qw(new_site connect_to exchange request wait_until);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => Mpsup::Machines::reason() if Mpsup::Machines::reason();

my $files   = new_site();
my $network = Mpsup::Machines->new(qw(web1 app1 app2));
my $site    = $files->on_machine($files->dir . '/web1', sub { $network->inside('web1') });

sub reply { my ($text) = @_; return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text) . "\r\n\r\n$text" }

# A backend: says who it is, but of what is held it says nothing, and notes that it is there.
sub answer {
    my ($name, $address, $holds) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => 8081, Listen => 50, ReuseAddr => 1) or die "listen: $!";
    my $select   = IO::Select->new($listener);
    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $listener) { $select->add($listener->accept) }
            elsif (!sysread $socket, my $text, 10000) { $select->remove($socket); close $socket }
            elsif ($holds && $text =~ m{\A\w+ /held/(\w+)}) { $files->write("asked.$1", $name) }
            else { syswrite $socket, reply($name) }
        }
    }
    return 0;
}

# Reads the head and then nothing for longer than it takes to be sure that a machine is dead: its window is closed meanwhile.
my $slow_time = 12;

sub read_slowly {
    my $listener = IO::Socket::INET->new(LocalAddr => Mpsup::Machines::here(), LocalPort => 8082, Listen => 5, ReuseAddr => 1) or die "listen: $!";
    my $socket   = $listener->accept;
    sysread $socket, my $text, 1000;
    my ($size) = $text =~ /^Content-Length: (\d+)\r$/mi;
    sleep $slow_time;
    1 while length($text) < $size && sysread $socket, $text, 100_000, length $text;
    syswrite $socket, reply('read');
    sysread $socket, $text, 1;
    return 0;
}

$network->fork_on('app1', sub { answer('app1', '10.9.0.2', 'holds') });
$network->fork_on('app2', sub { answer('app2', '10.9.0.3') });
my $reader = fork // die "fork: $!";
if (!$reader) { POSIX::_exit(eval { read_slowly() } // 1) }
for my $address (qw(10.9.0.2:8081 10.9.0.3:8081)) {
    wait_until(20, "$address listens", sub { IO::Socket::INET->new(PeerAddr => $address) });
}

# The first request of each route goes to app1.
my $backends = 'to: ["10.9.0.2:8081", "10.9.0.3:8081"]';
$site->must('up', $site->topology(<<"YAML"));
  front:
    kind: accelerator
    listen: "10.9.0.1:8080"
    timeouts: {response: 5m, idle: 5m}
    routes:
      - {path: /held/get, $backends}
      - {path: /held/post, $backends}
      - {path: /held/once, $backends, retry: off}
      - {path: /kept/, $backends}
      - {path: /slow/, to: "10.9.0.254:8082"}
YAML

# A request in a process of its own; returns what waits for its answer.
sub begin {
    my ($path, %options) = @_;
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        local $SIG{ALRM} = sub { print {$write} "nothing for a minute\n"; close $write; POSIX::_exit(1) };
        alarm 60;
        my $reply = request(8080, $path, address => '10.9.0.1', %options) // {status => 'cut', body => ''};
        print {$write} "$reply->{status} $reply->{body}\n";
        close $write;
        POSIX::_exit(0);
    }
    close $write;
    return sub { my $line = <$read> // ''; waitpid $pid, 0; return $line };
}

my $slow = begin('/slow/', method => 'POST', body => 'x' x 20_000_000);
my %held = (get => begin('/held/get'), post => begin('/held/post', method => 'POST', body => 'x'), once => begin('/held/once'));
for my $what (sort keys %held) { wait_until(20, "$what is there", sub { -e $files->dir . "/asked.$what" }) }
is_deeply [map { request(8080, '/kept/', address => '10.9.0.1')->{body} } 1 .. 2], [qw(app1 app2)], 'both answer, on connections that are kept';
sleep 0.3; # what was sent is acknowledged
$network->cut('app1');
my $kept = begin('/kept/');
like $held{get}->(),  qr/\A200 app2$/, 'what app1 had begun when it fell silent is asked of app2';
like $held{once}->(), qr/\A504 /,      '  but not with retry: off';
like $held{post}->(), qr/\A504 /,      '  and what may be asked once only has an end';
like $kept->(),       qr/\A200 app2$/, 'what app1 did not even acknowledge is asked of app2';
like $site->log_of('front'), qr/its machine has fallen silent/, 'the log says why';
like $slow->(), qr/\A200 read$/, 'a machine that takes nothing for a while is waited for';
$network->heal('app1');

done_testing;
