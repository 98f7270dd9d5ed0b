# One run of a program as a process of its own, with its output as a pipe.
package Mpsup::Registry::Program;
use strict;
use warnings;
use Config;
use Mpsup::Registry::Handles;
use Mpsup::Registry::Head;
use POSIX ();
use Time::HiRes ();

my %prctl = (x86_64 => 157, aarch64 => 167);
my ($machine) = $Config{archname} =~ /\A(\w+?)-linux/;
my $prctl = $prctl{ $machine // '' };
my $PR_SET_PDEATHSIG = 1;
my $pidfd_open = 434; # of every machine

our $GRACE    = 3;  # seconds that a program gets to end, after its output did and again after SIGTERM
our $SILENCE  = 10; # seconds that a descendant may keep the output open without writing, after the program ended
my $PIECE = 65536;

# Forks, and calls $run in the new process, with the program's descriptors in place. It does not come back.
sub start {
    my ($class, $input, $run) = @_;
    pipe my $read, my $write or die "cannot make a pipe: $!\n";
    my $server = $$;
    my $pid = fork // die "cannot fork: $!\n";
    if (!$pid) {
        eval {
            close $read;
            end_with($server);
            default_signals();
            Mpsup::Registry::Handles::replace($input, $write);
            close $write;
            close $input; # it is descriptor 0 now
            $run->();
            1;
        } or print STDERR "mpsup: $@";
        Mpsup::Registry::Handles::flush();
        POSIX::_exit(255);
    }
    close $write;
    return bless {pid => $pid, owner => $server, pipe => $read, read => ''}, $class;
}

# A server that is killed, for request_timeout say, takes its program along. What the program forks may go on.
sub end_with {
    my ($server) = @_;
    return unless $prctl;
    syscall $prctl, $PR_SET_PDEATHSIG, POSIX::SIGKILL(), 0, 0, 0;
    POSIX::_exit(255) if getppid != $server; # it has been killed by now
    return;
}

sub default_signals {
    delete @SIG{qw(HUP INT QUIT PIPE ALRM TERM CHLD USR1 USR2 TSTP TTIN TTOU __WARN__ __DIE__)};
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
    return;
}

# The head of the output; nothing when it ends before, or is too long.
sub head {
    my ($self) = @_;
    my $length;
    until (defined($length = Mpsup::Registry::Head::length_in($self->{read}))) {
        return if length $self->{read} > $Mpsup::Registry::Head::LIMIT;
        my $more = $self->more // return;
        $self->{read} .= $more;
    }
    return if $length > $Mpsup::Registry::Head::LIMIT;
    return substr $self->{read}, 0, $length, '';
}

# The next piece of output; nothing at its end.
sub more {
    my ($self) = @_;
    my ($piece, $quiet) = ('', 0);
    while (1) {
        my $wanted = '';
        vec($wanted, fileno $self->{pipe}, 1) = 1;
        my $ready = select $wanted, undef, undef, 1;
        if ($ready > 0) {
            my $got = sysread $self->{pipe}, $piece, $PIECE;
            return $piece if $got;
            return if defined $got or !$!{EINTR};
        }
        elsif ($ready == 0) {
            $self->{when_silent}->() if $self->{when_silent}; # somebody may wait for what there is
            return if $self->has_ended and ++$quiet >= $SILENCE;
        }
    }
}

# Streams the rest to a PSGI writer, and ends the program when the client is gone.
sub stream {
    my ($self, $writer) = @_;
    my $piece = delete $self->{read};
    local $self->{when_silent} = $writer->can('flush') ? sub { $writer->flush } : undef;
    my $there = eval {
        while (1) {
            return 0 if length $piece and !$writer->write($piece);
            $piece = $self->more // last;
        }
        1;
    };
    my $error = $@;
    $self->stop unless $there;
    die $error unless defined $there;
    $writer->close;
    $self->wait if $there;
    return;
}

sub drain {
    my ($self) = @_;
    1 while defined $self->more;
    $self->wait;
    return;
}

# After the end of the output: the program gets a little time.
sub wait {
    my ($self) = @_;
    close delete $self->{pipe} if $self->{pipe};
    $self->ends_within($GRACE) or $self->stop;
    return $self->{status};
}

sub stop {
    my ($self) = @_;
    close delete $self->{pipe} if $self->{pipe};
    return if $self->has_ended;
    kill 'TERM', $self->{pid};
    return if $self->ends_within($GRACE);
    kill 'KILL', $self->{pid};
    $self->has_ended(0);
    return;
}

sub ends_within {
    my ($self, $seconds) = @_;
    my $deadline = now() + $seconds;
    while (!$self->has_ended) {
        my $left = $deadline - now();
        return 0 if $left <= 0;
        $self->{handle} //= handle_of($self->{pid});
        my $wanted = '';
        vec($wanted, fileno $self->{handle}, 1) = 1 if $self->{handle};
        select $wanted, undef, undef, $self->{handle} || $left < 0.01 ? $left : 0.01; # a signal may come in between
    }
    return 1;
}

# Readable when the process has ended. Where the kernel has no such thing it is looked at again and again.
sub handle_of {
    my ($pid) = @_;
    my $fd = syscall $pidfd_open, $pid, 0;
    return '' if $fd < 0;
    open my $handle, '<&=', $fd or return '';
    return $handle;
}

sub now { return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

sub has_ended {
    my ($self, $flags) = @_;
    return 1 if defined $self->{status};
    local ($?, $!);
    my $pid = waitpid $self->{pid}, $flags // POSIX::WNOHANG();
    return 0 if $pid == 0;
    $self->{status} = $pid == $self->{pid} ? $? : 0; # somebody else may have reaped it
    return 1;
}

# How it ended, when not well.
sub complaint {
    my ($self) = @_;
    my $status = $self->{status} or return;
    return $status & 127 ? 'ended by signal ' . ($status & 127) : 'ended with code ' . ($status >> 8);
}

# A response that nobody asked to stream: the client may have gone before.
sub DESTROY {
    my ($self) = @_;
    $self->stop if $self->{owner} == $$;
    return;
}

1;
