# The Perl half of the PSGI engine: what is not on the path of every request. Compiled before the application, so that
# nothing here depends on what the application does to itself.
package Mpsup::PSGI;
use strict;
use warnings;

our $CHUNK = 65536; # bytes asked of getline

# The application in a .psgi file.
sub load {
    my ($file) = @_;
    require Plack::Util;
    return Plack::Util::load_psgi($file);
}

# A response whose body is no plain array: a file handle, or an object with getline. close is called whatever happens.
sub send_body {
    my ($status, $headers, $body) = @_;
    my $ok = eval {
        if (my ($fd, $offset, $count) = plain_file($body)) {
            send_file($status, $headers, $fd, $offset, $count);
        }
        else {
            start($status, $headers);
            local $/ = \$CHUNK;
            while (defined(my $piece = $body->getline)) {
                next if $piece eq '';
                put($piece) or last;
            }
        }
        1;
    };
    my $error = $@;
    eval { $body->close; 1 } or warn $@;
    die $error unless $ok;
    return;
}

# Descriptor, position and bytes left of a handle that the kernel can send by itself: a regular file, not tied, without
# layers that change what is read. What was read from it already is not sent again.
sub plain_file {
    my ($body) = @_;
    my $type = Scalar::Util::reftype($body) // '';
    return unless $type eq 'GLOB' or $type eq 'IO';
    my $io = $type eq 'GLOB' ? *{$body}{IO} : $body;
    return if !$io or tied(*$body);
    return unless Plack::Util::is_real_fh($body);
    return if grep { $_ ne 'unix' && $_ ne 'perlio' } PerlIO::get_layers($body);
    return unless -f $body;
    my $offset = tell $body;
    return if $offset < 0;
    my $size = -s _;
    return (fileno($body), $offset, $size > $offset ? $size - $offset : 0);
}

# Delayed and streaming responses: the application answers by calling what this returns.
sub responder {
    my ($serial) = @_;
    my $called;
    return sub {
        my ($response) = @_;
        die "the responder was called twice\n" if $called++;
        die "the responder was called after the request had ended\n" unless is_current($serial);
        die "the responder wants [status, headers] or [status, headers, body]\n"
            unless ref $response eq 'ARRAY' and @$response >= 2;
        return respond($response) if @$response > 2;
        start($response->[0], $response->[1]);
        return bless {serial => $serial}, 'Mpsup::PSGI::Writer';
    };
}

package Mpsup::PSGI::Writer;

sub write {
    my ($self, $piece) = @_;
    die "write after close\n" if $self->{closed};
    die "write after the request had ended\n" unless Mpsup::PSGI::is_current($self->{serial});
    return 1 unless defined $piece and length $piece;
    return Mpsup::PSGI::put($piece);
}

sub close {
    my ($self) = @_;
    $self->{closed} = 1;
    return;
}

package Mpsup::Exit; # thrown by exit() in a request

1;
