# A load of checking clients: each reply is checked to the byte, nothing is tried twice, and every wait is measured.
package Mpsup::Load;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Exporter    qw(import);
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test ();
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(application start_load);

my $piece = 65536; # bytes of a page

# An application to be checked: GET answers 64 KiB, POST what was posted; before it a line with the pid, the generation and
# the digest of what follows. More code than that can be put before it.
sub application {
    return <<'APP';
use Digest::MD5 qw(md5_hex);
my $page = join '', map { chr(32 + int rand 95) } 1 .. 65536;
sub {
    my $env = shift;
    my $body = $page;
    if ($env->{REQUEST_METHOD} eq 'POST') {
        $body = '';
        1 while $env->{'psgi.input'}->read($body, 65536, length $body);
    }
    return [200, ['Content-Type' => 'application/octet-stream'],
        ["$$ $ENV{MPSUP_GENERATION} ", md5_hex($body), "\n", $body]];
}
APP
}

# One client: requests until $end, on one connection for as long as the server lets it, or on a new one each time.
# Returns what it saw.
sub run_client {
    my ($port, $end, $keep_alive, $pause) = @_;
    my %seen = (requests => 0, failed => 0, longest => 0, generations => {}, failures => [], silent => 0);
    my ($socket, $n, $last) = (undef, 0, time);
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no reply for ten seconds\n" };
    my $starter = getppid; # nobody listens when it has died
    while (time < $end && getppid == $starter) {
        my $start   = time;
        my $post    = ++$n % 4 == 0 ? join('', map { chr(65 + int rand 26) } 1 .. 2000) : '';
        my $method  = $post ne '' ? 'POST' : 'GET';
        my $head    = "$method /$n HTTP/1.1\r\nHost: 127.0.0.1\r\n" . ($keep_alive ? '' : "Connection: close\r\n");
        my $request = $head . ($post ne '' ? 'Content-Length: ' . length($post) . "\r\n" : '') . "\r\n$post";
        my $problem = eval {
            alarm 10;
            $socket //= Mpsup::Test::connect_to($port);
            my $reply = Mpsup::Test::exchange($socket, $request, $method);
            alarm 0;
            check($reply, $post, \%seen);
        } // ($@ || 'failed');
        alarm 0;
        ++$seen{requests};
        my $now = time;
        $seen{longest} = $now - $start if $now - $start > $seen{longest};
        if ($problem ne 'ok') {
            ++$seen{failed};
            push @{ $seen{failures} }, sprintf '%.3f %s', $now, $problem =~ s/\n//gr if @{ $seen{failures} } < 5;
        }
        ++$seen{silent} if $now - $last > 1 + $pause;
        $last = $now;
        undef $socket if !$keep_alive || $problem ne 'ok' || $seen{closes};
        sleep $pause;
    }
    return \%seen;
}

sub check {
    my ($reply, $post, $seen) = @_;
    return 'no reply, or half of one' if !$reply;
    return "status $reply->{status}"  if $reply->{status} != 200;
    my ($pid, $generation, $digest, $body) = $reply->{body} =~ /\A(\d+) (\d+) ([0-9a-f]{32})\n(.*)\z/s
        or return 'not our page';
    return 'digest does not fit'      if md5_hex($body) ne $digest;
    return 'not what was posted'      if $post ne '' && $body ne $post;
    return 'page of another length'   if $post eq '' && length $body != $piece;
    ++$seen->{generations}{$generation};
    $seen->{closes} = ($reply->{headers}{connection} // '') =~ /close/i;
    return 'ok';
}

# Starts clients in processes of their own. Returns a function that waits for them and gives the sum of what they saw.
sub start_load {
    my (%options) = @_;
    my @pipes;
    for my $number (1 .. $options{keep_alive} + $options{one_shot}) {
        pipe my $read, my $write or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $read;
            srand $number;
            sleep rand 0.05; # not all in step
            my $seen = run_client($options{port}, time + $options{seconds}, $number <= $options{keep_alive},
                $options{pause} // 0.02);
            print {$write} encode_json($seen);
            close $write;
            POSIX::_exit(0);
        }
        close $write;
        push @pipes, [$pid, $read];
    }
    return sub {
        my %sum = (requests => 0, failed => 0, longest => 0, silent => 0, generations => {}, failures => [], idle => 0);
        for my $pipe (@pipes) {
            my ($pid, $read) = @$pipe;
            local $/;
            my $seen = decode_json(scalar <$read>);
            waitpid $pid, 0;
            $sum{$_} += $seen->{$_} for qw(requests failed silent);
            $sum{longest} = $seen->{longest} if $seen->{longest} > $sum{longest};
            $sum{generations}{$_} += $seen->{generations}{$_} for keys %{ $seen->{generations} };
            push @{ $sum{failures} }, @{ $seen->{failures} };
            ++$sum{idle} if !$seen->{requests};
        }
        return \%sum;
    };
}

1;
