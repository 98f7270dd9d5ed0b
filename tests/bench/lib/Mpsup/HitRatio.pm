# A client that asks for the same few hundred pages over and over, and what part of them came from a cache, by time.
package Mpsup::HitRatio;
use strict;
use warnings;
use Exporter    qw(import);
use Mpsup::Test ();
use POSIX       ();
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(start_hits ratio);

# In a process of its own, for $seconds. Returns a function that waits for it and gives a list of [time, was it a hit, status];
# the status is 200, or what was wrong.
sub start_hits {
    my (%options) = @_;
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $read;
        my $end = time + $options{seconds};
        my ($socket, $n, @lines) = (undef, 0);
        local $SIG{PIPE} = 'IGNORE';
        while (time < $end) {
            my $path  = '/kept/' . ++$n % $options{pages};
            my $reply = eval {
                local $SIG{ALRM} = sub { die "late\n" };
                alarm 10;
                $socket //= Mpsup::Test::connect_to($options{port});
                my $got = Mpsup::Test::exchange($socket, "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
                alarm 0;
                $got;
            };
            alarm 0;
            my $error  = $@ =~ s/\W+/-/gr;
            my $right  = $reply && $reply->{status} == 200 && $reply->{body} eq "kept $path\n";
            my $status = $right ? 200 : $reply ? "wrong-$reply->{status}" : $error || 'none';
            my $hit    = $reply && ($reply->{headers}{'cache-status'} // '') =~ /;\s*hit/ ? 1 : 0;
            push @lines, sprintf "%.4f %d %s\n", time, $hit, $status;
            undef $socket if !$right || ($reply->{headers}{connection} // '') =~ /close/i;
            sleep $options{pause} // 0.001;
        }
        print {$write} @lines; # not before: nobody reads until then, and a pipe that is full would hold the client up
        close $write;
        POSIX::_exit(0);
    }
    close $write;
    return sub {
        my @seen = map { [split] } <$read>;
        waitpid $pid, 0;
        return @seen;
    };
}

# Of those between two moments; nothing when there are none.
sub ratio {
    my ($from, $to, @seen) = @_;
    my @these = grep { $_->[0] >= $from && $_->[0] < $to } @seen;
    return @these ? (grep { $_->[1] } @these) / @these : undef;
}

1;
