# A TCP proxy that does as it is told, to stand between supervisors and etcd: a process of its own, which takes what it shall be
# from a pipe and says when it is so. To connections that are open it applies as to new ones.
package Mpsup::Proxy;
use strict;
use warnings;
use Carp       qw(croak);
use IO::Select ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX       ();
use Socket      qw(AF_UNIX SOCK_STREAM PF_UNSPEC SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

# What it can be:
#   pass            everything goes through
#   delay SECONDS   what etcd says comes later
#   swallow         connections stay open, and nothing goes through
#   cut             connections are reset, old and new
#   status          each request is answered with 503 and a page of HTML
#   rubbish         with octets that are no HTTP
#   wrong           with JSON whose fields have other types than etcd's
#   huge            with JSON that has no end
#   half            what etcd says ends in the middle of its first piece
my %answer = (
    status  => "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n<html>no, not now</p>\n",
    rubbish => join('', map { chr(($_ * 37 + 11) % 256) } 1 .. 3000) . "\r\n\r\n",
    wrong   => json('{"header":{"cluster_id":[],"revision":"many"},"kvs":"none","result":7,"ID":{},"succeeded":"perhaps","responses":{}}'),
    huge    => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"kvs\":[",
);

sub json { my ($text) = @_; return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($text) . "\r\n\r\n$text" }

# `listen` and `to`: address:port.
sub new {
    my ($class, %options) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => $options{listen}, Listen => 100, ReuseAddr => 1) or croak "$options{listen}: $!";
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC or croak "socketpair: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        close $ours;
        local $SIG{PIPE} = 'IGNORE';
        my $self = bless {listener => $listener, orders => $its, to => $options{to}, be => ['pass'], links => {}, later => []}, $class;
        eval { $self->serve } or print STDERR "proxy: $@";
        POSIX::_exit(0);
    }
    return bless {pid => $pid, orders => $ours, url => "http://$options{listen}"}, $class;
}

sub url { return $_[0]{url} }

# Returns when it is so.
sub be {
    my ($self, @words) = @_;
    syswrite $self->{orders}, join(' ', @words) . "\n";
    sysread $self->{orders}, my $done, 1 or croak 'the proxy has ended';
    return $self;
}

# From here on: its own process.

# A link has two sides; each knows the other.
sub serve {
    my ($self) = @_;
    my $select = $self->{select} = IO::Select->new($self->{listener}, $self->{orders});
    while (1) {
        for my $socket ($select->can_read($self->wait_time)) {
            if    ($socket == $self->{orders})   { $self->take_order or return 1 }
            elsif ($socket == $self->{listener}) { $self->open_link($socket->accept) }
            elsif (my $side = $self->{links}{$socket}) { $self->carry($side) }
        }
        while (@{ $self->{later} } && $self->{later}[0][0] <= time) {
            my ($at, $side, $text) = @{ shift @{ $self->{later} } };
            $self->deliver($side, $text);
        }
    }
    return 1;
}

sub wait_time {
    my ($self) = @_;
    return undef if !@{ $self->{later} };
    my $left = $self->{later}[0][0] - time;
    return $left > 0 ? $left : 0;
}

sub take_order {
    my ($self) = @_;
    sysread $self->{orders}, my $order, 1000 or return 0;
    $self->{be} = [split ' ', $order];
    if ($self->{be}[0] eq 'cut') { $self->close_link($_, 'reset') for grep { $_->{is_client} } values %{ $self->{links} } }
    syswrite $self->{orders}, '.';
    return 1;
}

sub open_link {
    my ($self, $socket) = @_;
    my %client = (socket => $socket, is_client => 1);
    return reset_socket($socket) if $self->{be}[0] eq 'cut';
    my $etcd = IO::Socket::INET->new(PeerAddr => $self->{to}, Timeout => 2) or return reset_socket($socket);
    my %etcd = (socket => $etcd, other => \%client);
    $client{other} = \%etcd;
    for my $side (\%client, \%etcd) {
        $side->{socket}->blocking(0);
        $self->{links}{ $side->{socket} } = $side;
        $self->{select}->add($side->{socket});
    }
    return;
}

sub carry {
    my ($self, $side) = @_;
    my ($be, @how) = @{ $self->{be} };
    return if !sysread($side->{socket}, my $text, 65536) && $be eq 'swallow' && $self->{select}->remove($side->{socket});
    return $self->close_link($side) if !length $text;
    return if $be eq 'swallow';
    if (my $answer = $answer{$be}) {
        return if !$side->{is_client} || !$self->deliver($side, $answer);
        return $be eq 'huge' ? $self->send_without_end($side) : 1;
    }
    if ($be eq 'delay' && !$side->{is_client}) { push @{ $self->{later} }, [time + $how[0], $side->{other}, $text]; return }
    if ($be eq 'half' && !$side->{is_client}) {
        $self->deliver($side->{other}, substr $text, 0, int(length($text) / 2));
        return $self->close_link($side);
    }
    return $self->deliver($side->{other}, $text);
}

# 100 MiB, if the other side takes it.
sub send_without_end {
    my ($self, $side) = @_;
    my $piece = '{"key":"QUFB"},' x 4000;
    for (1 .. 1750) { $self->deliver($side, $piece) or return }
    return $self->close_link($side);
}

# Who does not take it within two seconds is let go.
sub deliver {
    my ($self, $side, $text) = @_;
    return 0 if !$self->{links}{ $side->{socket} };
    while (length $text) {
        my $sent = IO::Select->new($side->{socket})->can_write(2) && syswrite $side->{socket}, $text;
        if (!$sent) { $self->close_link($side); return 0 }
        substr $text, 0, $sent, '';
    }
    return 1;
}

sub close_link {
    my ($self, $side, $reset) = @_;
    for my $end ($side, $side->{other}) {
        delete $self->{links}{ $end->{socket} } or next;
        $self->{select}->remove($end->{socket});
        $reset ? reset_socket($end->{socket}) : close $end->{socket};
    }
    delete $side->{other}; # they hold each other
    return;
}

sub reset_socket {
    my ($socket) = @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $socket;
    return;
}

1;
