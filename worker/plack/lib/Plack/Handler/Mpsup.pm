package Plack::Handler::Mpsup;
use strict;
use warnings;

our $VERSION = '@PROJECT_VERSION@';

BEGIN {
    my ($built_for, $running) = ('@MPSUP_PERL_SERIES@', sprintf '%vd', $^V);
    die __PACKAGE__ . " $VERSION is built for perl $built_for, and this is perl $running; build mpsup again for this perl\n"
        if index("$running.", "$built_for.") != 0;
}

use Plack::Util ();
use Socket      ();
use XSLoader;
XSLoader::load(__PACKAGE__, $VERSION);

# name => [default, smallest, largest]; whole numbers but where seconds are meant.
my %numbers = (
    workers           => [5,  1, 1000],
    max_requests      => [0,  0, 1e12],
    keepalive_timeout => [1,  0, 86_400],
    timeout           => [5,  1, 86_400],
    grace             => [30, 0, 86_400],
);
my %also_called = (max_workers => 'workers', max_reqs_per_child => 'max_requests', read_timeout => 'timeout');
# What Plack::Runner and Plack::Test give to every handler.
my %known = map { $_ => 1 } qw(host port listen socket listen_sock server_ready daemonize);

# For "use Mpsup" in an application.
sub prepare {
    local $SIG{PIPE};
    local $SIG{TERM}; # not ours before run()
    adopt();
    return;
}

sub new {
    my ($class, %options) = @_;
    return bless {%options}, $class;
}

sub run {
    my ($self, $app) = @_;
    my $number    = $self->numbers;
    my @listeners = $self->listeners;
    local $SIG{CHLD} = 'DEFAULT';                  # the pool waits for its children itself
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{TERM} = \&Mpsup::Signal::term;
    $self->tell_ready(@listeners);
    my $owner = $$;
    my $code  = eval {
        serve($app, @$number{qw(workers max_requests keepalive_timeout timeout grace)}, map { $_->{fd} } @listeners);
    };
    my $error = $@;
    if ($$ == $owner) {
        unlink $_->{file} for grep { defined $_->{file} } @listeners;
    }
    die $error if !defined $code;
    die __PACKAGE__ . ": the pool could not be kept\n" if $code != 0;
    return;
}

# The options that are numbers; says what is wrong with one, and which are none of ours.
sub numbers {
    my ($self) = @_;
    my %value = map { $_ => $numbers{$_}[0] } keys %numbers;
    $value{workers} = $ENV{MPSUP_WORKERS} if defined $ENV{MPSUP_WORKERS};
    for my $option (sort keys %$self) {
        my $name = $also_called{$option} // $option;
        refuse('TLS is not spoken here; put a server that does in front') if $option =~ /\Assl/ && $self->{$option};
        refuse('--daemonize: it stays in the foreground; "mpsup up" runs sites in the background')
            if $option eq 'daemonize' && $self->{$option};
        if ($numbers{$name}) { $value{$name} = $self->{$option} // '' }
        elsif (!$known{$option}) { warn __PACKAGE__ . ": the option $option is not known, and was passed over\n" }
    }
    for my $name (sort keys %value) {
        my (undef, $least, $most) = @{ $numbers{$name} };
        my $form = $name =~ /timeout|grace/ ? qr/\A[0-9]+(?:\.[0-9]+)?\z/ : qr/\A[0-9]+\z/;
        refuse("$name is a number from $least to $most, not '$value{$name}'")
            if $value{$name} !~ $form || $value{$name} < $least || $value{$name} > $most;
    }
    return \%value;
}

sub refuse { die __PACKAGE__ . ": $_[0]\n" }

# Where to listen: {fd, host, port} or {fd, file} each. They are open when this returns.
sub listeners {
    my ($self) = @_;
    if (my $socket = $self->{listen_sock}) {
        return {fd => share_listener(fileno $socket), host => $socket->sockhost, port => $socket->sockport};
    }
    my @places = @{ $self->{listen} || [] };
    @places = ($self->{socket}) if !@places && defined $self->{socket};
    @places = (($self->{host} // '') . ':' . ($self->{port} || 5000)) if !@places;
    return map { open_listener($_) } @places;
}

sub open_listener {
    my ($place) = @_;
    my %listener;
    if (my ($host, $port) = $place =~ /\A(.*):([0-9]+)\z/s) {
        $host =~ s/\A\[(.*)\]\z/$1/s;
        my $address = address_of($host);
        $address = "[$address]" if $address =~ /:/;
        %listener = (host => $host eq '' || $host eq '*' ? '0.0.0.0' : $host, port => $port);
        $listener{fd} = eval { listen_at("$address:$port") } // refuse($@ =~ s/ at \S+ line \d+\.?\n?\z//r);
    }
    else {
        require File::Spec;
        $listener{fd}   = eval { listen_at_path($place) } // refuse($@ =~ s/ at \S+ line \d+\.?\n?\z//r);
        $listener{file} = File::Spec->rel2abs($place); # the application may change the folder
    }
    return \%listener;
}

# The numbers of a name; of several the first that is IPv4, because that is what "localhost" is expected to be.
sub address_of {
    my ($host) = @_;
    return '0.0.0.0' if $host eq '' || $host eq '*';
    my ($error, @found) = Socket::getaddrinfo($host, undef, {socktype => Socket::SOCK_STREAM()});
    refuse("cannot find the address of $host: $error") if $error || !@found;
    my ($first) = ((grep { $_->{family} == Socket::AF_INET() } @found), @found);
    my ($failed, $address) = Socket::getnameinfo($first->{addr}, Socket::NI_NUMERICHOST(), Socket::NIx_NOSERV());
    refuse("cannot find the address of $host: $failed") if $failed;
    return $address;
}

sub tell_ready {
    my ($self, $first) = @_;
    my $tell = $self->{server_ready} or return;
    $tell->({
        %$self,
        proto           => 'http',
        host            => $first->{host} // 'unix',
        port            => $first->{port} // $first->{file},
        server_software => "mpsup/$VERSION",
    });
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Plack::Handler::Mpsup - mpsup's HTTP engine and pool of processes under plackup

=head1 SYNOPSIS

  plackup -s Mpsup app.psgi
  plackup -s Mpsup -E deployment --workers 8 --max-requests 1000 -l 127.0.0.1:5000 -l /run/app.sock app.psgi

  PLACK_TEST_IMPL=Server PLACK_SERVER=Mpsup prove -lr t

  Plack::Loader->load('Mpsup', host => '127.0.0.1', port => 5000)->run($app);

=head1 DESCRIPTION

The same parser, pool and PSGI code as in C<mpsup-heavy>, loaded into the perl that runs already: for developing, and for
running test suites that are written on L<Plack::Test>. A site in production is better off with C<mpsup>, which also
watches the pool, replaces it without refusing a connection, and writes down what happened.

The process of C<plackup> loads the application, forks the children, and replaces those that end; it serves no request
itself. C<run> returns when it was told to end and all children have left, so END blocks and destructors run in that
process, and its exit code is 0. Children leave without them (L<POSIX/_exit>).

In the environment C<psgi.multiprocess> and C<psgi.streaming> are true, as are C<psgix.input.buffered>, C<psgix.cleanup>
and C<psgix.harakiri>; C<psgix.io>, C<psgix.logger> and C<psgix.informational> are there.

=head1 OPTIONS

=over

=item --host, -o; --port, -p

One address. A name is looked up when the server starts; of several addresses it is the first that is IPv4. No host means
every IPv4 address, no port 5000.

=item --listen, -l; --socket, -S

C<HOST:PORT>, C<:PORT>, C<[IPv6]:PORT>, or the path of a unix socket, as often as wanted. The file of a socket is removed at
the end; one that is left of somebody who is dead is replaced.

=item --workers N

Children, each of which serves one request at a time: 5. C<MPSUP_WORKERS> in the environment does the same where no options
can be given. C<max_workers> is another name for it.

=item --max-requests N

A child that has answered N requests, a fifth more or less, is replaced when its successor is ready. 0, as it is without the
option: never. C<max_reqs_per_child> is another name for it.

=item --keepalive-timeout SECONDS

How long a connection may wait for its next request: 1.

=item --timeout SECONDS

How long the head of a request may take to arrive, and how long its content may pause: 5. C<read_timeout> is another name
for it. There is no limit for the application. A client that reads nothing for 30 s is given up.

=item --grace SECONDS

How long requests in hand may take to finish when the server was told to end: 30. Then children are killed.

=back

C<--access-log>, C<-E>, C<-e>, C<-r>, C<-L> and the others are plackup's own. C<-D> and C<--enable-ssl> are refused; of options
that are not known a warning is written.

=head1 SIGNALS

=over

=item TERM, INT, QUIT

Nobody new is accepted, what runs is finished, and C<run> returns. To a child: it finishes and is replaced.

=item HUP

Nothing is done about it: unless it is ignored (L<nohup(1)>) the process ends at once. The application cannot be loaded
again by it, because plackup has loaded it; C<plackup -r> does that when files change.

=item KILL

The children notice, finish what they have in hand, and leave.

=back

C<%SIG> and the signal mask are as they were when C<run> returns.

=head1 TEST SUITES

L<Plack::Test> starts the server that C<PLACK_SERVER> names when C<PLACK_TEST_IMPL> is C<Server>:

  PLACK_TEST_IMPL=Server PLACK_SERVER=Mpsup prove -lr t
  MPSUP_WORKERS=1 PLACK_TEST_IMPL=Server PLACK_SERVER=Mpsup prove -lr t

The application then runs in other processes than the test. What it counts in variables is not seen by the test, on this
server as on each that forks; with one child at least all requests meet the same variables, but an application that asks
its own server would wait for itself. A suite that fails with C<PLACK_SERVER=Starman> as well is of that kind.

For L<Plack::Test::Suite>: C<< Plack::Test::Suite->run_server_tests('Mpsup') >>.

=head1 LIMITS

=over

=item *

C<exit> in code that was compiled before this module was there ends the child, in which END blocks run then; its client gets
no answer, and a successor is forked. An application that says C<use Mpsup;> before anything else, or C<plackup -MMpsup>,
makes it end the request only, as in a worker of mpsup.

=item *

chdir, umask, alarm and select in code that was compiled before are not undone after a request, for the same reason.

=item *

What wants to write something at the end of each process (L<Devel::Cover>) does not get to it in children, because END blocks do
not run there. C<< Mpsup->pre_exit(sub { ... }) >> does.

=item *

Requests are read strictly. What is malformed never reaches the application, nor do methods that IANA's registry does not know
(501), CONNECT and TRACE (405).

=item *

No TLS, no HTTP/2, no going into the background, no change of user.

=item *

It is built for one series of perl, as any XS module is, and refuses another.

=back

=head1 SEE ALSO

L<plackup>, L<Plack::Test>, L<PSGI>, L<Starman>

=cut
