# What end-to-end tests share: a site in a temporary folder, run by the real binaries, and plain HTTP clients.
package Mpsup::Test;
use strict;
use warnings;
use Carp       qw(croak);
use Cwd        qw(abs_path);
use Exporter   qw(import);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP    qw(decode_json);
use POSIX       qw(:sys_wait_h);
use Socket      qw(SOCK_DGRAM);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(new_site free_port wait_until request connect_to exchange write_file read_file source_root build_dir);

my %sites; # those this program started, to be stopped at its end
my $owner = $$;

sub source_root { return abs_path(__FILE__) =~ s{/tests/e2e/lib/Mpsup/Test\.pm\z}{}r }
sub build_dir   { return $ENV{MPSUP_BUILD} // source_root() . '/build/release' }

# Nobody's right now, and no other test's until this process ends (they run at the same time): a socket without a file stands for it.
# None that the kernel gives to clients: a connection of a minute ago would hold it when a server wants it again.
my @ports;

sub free_port {
    my ($address) = @_;
    my ($first_of_clients) = read_file('/proc/sys/net/ipv4/ip_local_port_range') =~ /(\d+)/;
    my $lowest = $first_of_clients > 12_000 ? 10_000 : 2_000;
    for (1 .. 1000) {
        my $port = $lowest + int rand($first_of_clients - $lowest);
        IO::Socket::INET->new(Listen => 1, LocalAddr => $address // '127.0.0.1', LocalPort => $port) or next;
        my $mark = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "\0mpsup-test-port-$port") or next;
        push @ports, $mark;
        return $port;
    }
    die "no free port: $!";
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or croak "$path: $!";
    print {$out} $text;
    close $out or croak "$path: $!";
    return $path;
}

sub read_file {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return scalar <$in> // '';
}

# Looks every few milliseconds until it is so: processes are watched from outside, so there is nothing to wait on.
sub wait_until {
    my ($seconds, $what, $is_so) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        my $result = $is_so->();
        return $result if $result;
        sleep 0.005;
    }
    croak "waited $seconds s in vain: $what";
}

# A folder with an application in it, its state beside it. Nothing runs yet.
sub new_site {
    my (%options) = @_;
    my $dir  = File::Temp->newdir('mpsup-XXXXXX', TMPDIR => 1);
    my $self = bless {dir => $dir, state => "$dir/state", name => $options{name} // 'test'}, __PACKAGE__;
    $sites{$self} = $self;
    return $self;
}

# The same folder as another machine sees it: with a state of its own. `inside`: a function, what to put before a command.
sub on_machine {
    my ($self, $state, $inside) = @_;
    return bless {%$self, state => $state, inside => $inside}, ref $self;
}

sub dir { return "$_[0]{dir}" }

sub write {
    my ($self, $name, $text) = @_;
    return write_file("$self->{dir}/$name", $text);
}

# A topology file from the text of its workers; of the build that MPSUP_BINARIES names, so that one test may be run in each.
sub topology {
    my ($self, $workers, $name) = @_;
    my $binaries = $ENV{MPSUP_BINARIES} ? "binaries: $ENV{MPSUP_BINARIES}\n" : '';
    return $self->write($name // 'site.yaml', "site: $self->{name}\n${binaries}workers:\n$workers");
}

sub command { my ($self, @arguments) = @_; return (build_dir() . '/mpsup', '--state-dir', $self->{state}, @arguments) }

# Runs mpsup and waits: exit code, standard output, standard error.
sub mpsup {
    my ($self, @arguments) = @_;
    my ($out, $err) = ("$self->{dir}/out.$$", "$self->{dir}/err.$$");
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', $out        or die;
        open STDERR, '>', $err        or die;
        exec $self->{inside} ? $self->{inside}->() : (), $self->command(@arguments) or die "exec: $!";
    }
    waitpid $pid, 0;
    my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return ($code, read_file($out), read_file($err));
}

# The same, and it must succeed.
sub must {
    my ($self, @arguments) = @_;
    my ($code, $out, $err) = $self->mpsup(@arguments);
    croak "mpsup @arguments: exit $code\n$out$err" if $code != 0;
    return $out;
}

sub status { my ($self) = @_; return decode_json($self->must_ask('status')) }

# status exits with other codes than 0 for other states.
sub must_ask {
    my ($self, @arguments) = @_;
    my ($code, $out, $err) = $self->mpsup(@arguments, '-o', 'json');
    croak "mpsup @arguments: exit $code\n$err" if $out eq '';
    return $out;
}

sub worker {
    my ($self, $name) = @_;
    my ($worker) = grep { $_->{name} eq $name } @{ $self->status->{workers} };
    return $worker;
}

sub supervisor_pid { return $_[0]->status->{supervisor}{pid} }

# Pids of a worker's processes in one role: light, master or child.
sub pids {
    my ($self, $name, $role) = @_;
    return map { $_->{pid} } grep { $_->{role} eq $role && ($_->{phase} // '') ne 'sleeping' } @{ $self->worker($name)->{processes} };
}

sub events {
    my ($self, @arguments) = @_;
    return map { decode_json($_) } split /\n/, $self->must('events', '-n', 10000, '-o', 'jsonl', @arguments);
}

sub log_of { my ($self, $worker) = @_; return read_file("$self->{state}/$self->{name}/log/$worker.log") }

# Connections

sub connect_to {
    my ($port, $address) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $address // '127.0.0.1', PeerPort => $port, Timeout => 5)
        or croak "connect to port $port: $!";
    return $socket;
}

# One reply from a socket: {status, headers (lower case), body, line}, or nothing when the connection ended first.
# $method HEAD: no body.
sub read_reply {
    my ($socket, $method, $buffer) = @_;
    my $text = ref $buffer ? $$buffer : '';
    while ($text !~ /\r\n\r\n/) {
        my $got = sysread $socket, $text, 65536, length $text;
        return undef if !$got;
    }
    my ($head, $rest) = $text =~ /\A(.*?)\r\n\r\n(.*)\z/s;
    my ($line, @fields) = split /\r\n/, $head;
    my %headers = map { /\A([^:]+):\s*(.*?)\s*\z/ ? (lc $1, $2) : () } @fields;
    my ($status) = $line =~ m{\AHTTP/1\.[01] (\d{3})};
    return undef if !$status;
    if ($status >= 100 && $status < 200) {
        $text = $rest;
        return read_reply($socket, $method, \$text);
    }
    my %reply = (status => $status, line => $line, headers => \%headers, body => '');
    my $no_body = ($method // '') eq 'HEAD' || $status == 204 || $status == 304;
    if (!$no_body && ($headers{'transfer-encoding'} // '') =~ /chunked/i) {
        while (1) {
            while ($rest !~ /\A([0-9a-fA-F]+)[^\r\n]*\r\n/) { return undef if !sysread $socket, $rest, 65536, length $rest }
            $rest =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n//;
            my $size = hex $1;
            while (length $rest < $size + 2) { return undef if !sysread $socket, $rest, 65536, length $rest }
            $reply{body} .= substr $rest, 0, $size;
            substr($rest, 0, $size + 2) = '';
            last if !$size;
        }
    }
    elsif (!$no_body && defined $headers{'content-length'}) {
        while (length $rest < $headers{'content-length'}) { return undef if !sysread $socket, $rest, 65536, length $rest }
        $reply{body} = substr $rest, 0, $headers{'content-length'}, '';
    }
    elsif (!$no_body) {
        1 while sysread $socket, $rest, 65536, length $rest;
        ($reply{body}, $rest) = ($rest, '');
    }
    $$buffer = $rest if ref $buffer;
    return \%reply;
}

# Sends bytes and reads one reply.
sub exchange {
    my ($socket, $bytes, $method) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) {
        my $sent = syswrite $socket, $bytes or last;
        substr($bytes, 0, $sent) = '';
    }
    return read_reply($socket, $method);
}

# A whole request on a connection of its own.
sub request {
    my ($port, $path, %options) = @_;
    my $method  = $options{method} // 'GET';
    my $body    = $options{body}   // '';
    my $address = $options{address} // '127.0.0.1';
    my $head    = "$method $path HTTP/1.1\r\nHost: $address:$port\r\nConnection: close\r\n";
    $head .= "$_: $options{headers}{$_}\r\n" for keys %{ $options{headers} // {} };
    $head .= 'Content-Length: ' . length($body) . "\r\n" if length $body;
    return exchange(connect_to($port, $address), "$head\r\n$body", $method);
}

# Stops what is left of a site, however the test ended.
sub stop {
    my ($self) = @_;
    my ($code, $out) = $self->mpsup('status', '-o', 'json');
    my $status = eval { decode_json($out) };
    $self->mpsup('down', '--timeout', '20s') if $status && $status->{supervisor}{state} eq 'running';
    my @processes = map { @{ $_->{processes} } } @{ $status->{workers} // [] };
    for my $pid (grep { $_ } $status->{supervisor}{pid}, map { $_->{pid} } @processes) {
        kill 'KILL', $pid if read_file("/proc/$pid/cmdline") =~ /\Q$self->{dir}\E/; # ours, not one that took its pid
    }
    delete $sites{$self};
    return;
}

END {
    if ($$ == $owner) {
        my $code = $?;
        $_->stop for values %sites;
        $? = $code;
    }
}

1;
