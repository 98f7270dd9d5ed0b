# The Perl half of the PSGI engine: what is not on the path of every request. Compiled before the application, so that
# nothing here depends on what the application does to itself.
package Mpsup::PSGI;
use strict;
use warnings;

our $CHUNK = 65536; # bytes asked of getline

my @sources; # files that were loaded without %INC: the .psgi file, CGI scripts

# The application in a .psgi file.
sub load {
    my ($file, $development) = @_;
    prepare($development);
    push @sources, $file;
    return Plack::Util::load_psgi($file);
}

# The CGI scripts of a folder as an application.
sub load_cgi {
    my ($folder, $development, $mode, %modes) = @_;
    prepare($development);
    my $registry = Mpsup::Registry->new(dir => $folder, mode => $mode, modes => \%modes, development => $development);
    push @sources, $registry->files;
    return $registry->to_app;
}

sub prepare {
    my ($development) = @_;
    require Plack::Util;
    $ENV{PLACK_ENV} = $development ? 'development' : 'deployment' unless defined $ENV{PLACK_ENV};
    return;
}

# Absolute paths of everything that the application is made of; of a symbolic link also what it leads to.
sub loaded_files {
    require Cwd;
    my %seen;
    return grep { defined && m{\A/} && !$seen{$_}++ } map { ($_, Cwd::realpath($_)) }
        grep { defined && !ref } @sources, values %INC;
}

# In a child just forked: what belongs to the master's connections is left alone when it is destroyed here.
sub became_child {
    return unless defined &DBI::visit_handles;
    DBI->visit_handles(sub { $_[0]{InactiveDestroy} = 1; return 1 });
    return;
}

# Connected database handles, as texts that tell them apart.
sub database_handles {
    my @found;
    DBI->visit_handles(sub {
        my ($handle) = @_;
        push @found, "DBI:$handle->{Driver}{Name}:$handle->{Name}" if $handle->{Type} eq 'db' and $handle->{Active};
        return 1;
    });
    return @found;
}

# psgix.logger
sub log_message {
    my ($entry) = @_;
    my $message = $entry->{message} // '';
    $message =~ s/\n\z//;
    print STDERR '[', $entry->{level} // 'info', "] $message\n";
    return;
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

# Of an exception object; called within an eval.
sub text_of { return "$_[0]" }

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
    return if !$size; # in /proc such files have content
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

# What was written is to be seen although more will follow: a page is held until it is whole where its links are rewritten.
sub flush {
    my ($self) = @_;
    Mpsup::PSGI::flush() if !$self->{closed} and Mpsup::PSGI::is_current($self->{serial});
    return;
}

sub close {
    my ($self) = @_;
    $self->{closed} = 1;
    return;
}

package Mpsup::Exit; # thrown by exit() in a request
use overload '""' => sub { "the application called exit(${ $_[0] })" }, fallback => 1; # who dies of it while loading says so

# What applications may ask of the server: use Mpsup (it is there already), then Mpsup->post_fork(sub { ... }).
package Mpsup;
our $VERSION = $Mpsup::PSGI::VERSION;
$INC{'Mpsup.pm'} //= __FILE__;
my %hooks;

# Each takes a subroutine, as a function or as a class method. They run in the order in which they were given.
sub post_fork  { push @{ $hooks{post_fork} },  $_[-1]; return }    # in every child, before its first request
sub pre_exit   { push @{ $hooks{pre_exit} },   $_[-1]; return }    # in every child that leaves in order
sub pre_refork { push @{ $hooks{pre_refork} }, $_[-1]; return }    # in the child that becomes the next pool master

sub run_hooks {
    my ($name) = @_;
    for my $hook (@{ $hooks{$name} // [] }) {
        eval { $hook->(); 1 } or warn "mpsup: $name: $@";
    }
    return;
}

1;
