# A load of checking clients: each reply is checked to the byte, nothing is tried twice, and every wait is measured.
package Mpsup::Load;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Exporter    qw(import);
use IO::Select  ();
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Test ();
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(application start_load);

my $piece = 65536; # bytes of a page

# An application to be checked: GET answers 64 KiB, POST what was posted; before it a line with the pid, the generation and
# the digest of what follows; a field names the machine. More code than that can be put before it.
sub application {
    return <<'APP';
use Digest::MD5   qw(md5_hex);
use Sys::Hostname qw(hostname);
my $page = join '', map { chr(32 + int rand 95) } 1 .. 65536;
sub {
    my $env = shift;
    my $body = $page;
    if ($env->{REQUEST_METHOD} eq 'POST') {
        $body = '';
        1 while $env->{'psgi.input'}->read($body, 65536, length $body);
    }
    return [200, ['Content-Type' => 'application/octet-stream', 'X-Machine' => hostname()],
        ["$$ $ENV{MPSUP_GENERATION} ", md5_hex($body), "\n", $body]];
}
APP
}

# One client: requests until $ends says so, on one connection for as long as the server lets it, or on a new one each time.
# Returns what it saw.
sub run_client {
    my ($port, $address, $ends, $keep_alive, $pause) = @_;
    my %seen = (requests => 0, failed => 0, longest => 0, generations => {}, machines => {}, failures => [], silent => 0);
    my ($socket, $n, $last) = (undef, 0, time);
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no reply for ten seconds\n" };
    my $starter = getppid; # nobody listens when it has died
    while (!$ends->() && getppid == $starter) {
        my $start   = time;
        my $post    = ++$n % 4 == 0 ? join('', map { chr(65 + int rand 26) } 1 .. 2000) : '';
        my $method  = $post ne '' ? 'POST' : 'GET';
        my $head    = "$method /$n HTTP/1.1\r\nHost: $address\r\n" . ($keep_alive ? '' : "Connection: close\r\n");
        my $request = $head . ($post ne '' ? 'Content-Length: ' . length($post) . "\r\n" : '') . "\r\n$post";
        my $problem = eval {
            alarm 10;
            $socket //= Mpsup::Test::connect_to($port, $address);
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
            push @{ $seen{failures} }, sprintf '%.3f %s %s', $now, $method, $problem =~ s/\n//gr if @{ $seen{failures} } < 5;
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
    ++$seen->{machines}{ $reply->{headers}{'x-machine'} // '' };
    $seen->{closes} = ($reply->{headers}{connection} // '') =~ /close/i;
    return 'ok';
}

# Starts clients in processes of their own, for `seconds` or until they are to end. Returns a function that ends them, waits, and
# gives the sum of what they saw.
sub start_load {
    my (%options) = @_;
    my @pipes;
    pipe my $told, my $teller or die "pipe: $!";
    for my $number (1 .. $options{keep_alive} + $options{one_shot}) {
        pipe my $read, my $write or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $_ for $read, $teller, map { $_->[1] } @pipes;
            srand $number;
            sleep rand 0.05; # not all in step
            my $end  = time + ($options{seconds} // 1e9);
            my $last = IO::Select->new($told);
            my $ends = sub { return time > $end || $last->can_read(0) };
            my $seen = run_client($options{port}, $options{address} // '127.0.0.1', $ends, $number <= $options{keep_alive},
                $options{pause} // 0.02);
            print {$write} encode_json($seen);
            close $write;
            POSIX::_exit(0);
        }
        close $write;
        push @pipes, [$pid, $read];
    }
    return sub {
        close $teller if !$options{seconds};
        my %sum = (requests => 0, failed => 0, longest => 0, silent => 0, generations => {}, machines => {}, failures => [], idle => 0);
        for my $pipe (@pipes) {
            my ($pid, $read) = @$pipe;
            local $/;
            my $seen = decode_json(scalar <$read>);
            waitpid $pid, 0;
            $sum{$_} += $seen->{$_} for qw(requests failed silent);
            $sum{longest} = $seen->{longest} if $seen->{longest} > $sum{longest};
            for my $what (qw(generations machines)) { $sum{$what}{$_} += $seen->{$what}{$_} for keys %{ $seen->{$what} } }
            push @{ $sum{failures} }, @{ $seen->{failures} };
            ++$sum{idle} if !$seen->{requests};
        }
        return \%sum;
    };
}

1;
