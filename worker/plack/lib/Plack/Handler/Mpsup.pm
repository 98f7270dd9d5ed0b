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
