# An etcd of one member, or of several on one address, with its data in a folder: it can be stopped, killed, paused, emptied and
# taken back to an earlier day. It runs where the test is (Mpsup::Machines), so its ports are always the same.
package Mpsup::Etcd;
use strict;
use warnings;
use Carp         qw(croak);
use HTTP::Tiny   ();
use JSON::PP     qw(decode_json encode_json);
use MIME::Base64 qw(decode_base64 encode_base64);
use Mpsup::Machines;
use Mpsup::Test qw(read_file wait_until);
use POSIX       ();

sub reason {
    return (grep { -x "$_/etcd" } split /:/, $ENV{PATH}) ? undef : 'etcd is not installed';
}

# `dir`: where its data is; `members`: how many. Not started yet.
sub new {
    my ($class, %options) = @_;
    my $self = bless {dir => $options{dir}, token => 'first', members => [map { {number => $_} } 1 .. $options{members} // 1]}, $class;
    return $self;
}

sub port_of   { my ($member) = @_; return 2369 + 10 * $member->{number} }
sub client_of { my ($member) = @_; return 'http://' . Mpsup::Machines::here() . ':' . port_of($member) }
sub peer_of   { my ($member) = @_; return 'http://' . Mpsup::Machines::here() . ':' . (port_of($member) + 1) }

# What --cluster takes.
sub urls { my ($self) = @_; return join ',', map { client_of($_) } @{ $self->{members} } }
sub pids { my ($self) = @_; return map { $_->{pid} // () } @{ $self->{members} } }
sub log  { my ($self) = @_; return join '', map { read_file("$self->{dir}/etcd-$_->{number}.log") } @{ $self->{members} } }

sub start {
    my ($self) = @_;
    $self->start_member($_) for grep { !$_->{pid} } @{ $self->{members} };
    for my $member (@{ $self->{members} }) {
        eval { wait_until(20, 'etcd is well', sub { (health($member) // '') eq 'true' }) } or croak $@ . $self->log;
    }
    return $self;
}

sub start_member {
    my ($self, $member) = @_;
    my $number = $member->{number};
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/etcd-$number.log" or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT                        or POSIX::_exit(127);
        exec 'etcd', '--name', "etcd-$number", '--data-dir', "$self->{dir}/etcd-$number",
            '--listen-client-urls', client_of($member), '--advertise-client-urls', client_of($member),
            '--listen-peer-urls', peer_of($member), '--initial-advertise-peer-urls', peer_of($member),
            '--initial-cluster', join(',', map { "etcd-$_->{number}=" . peer_of($_) } @{ $self->{members} }),
            '--initial-cluster-token', $self->{token}, '--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h', '--heartbeat-interval', 50, '--election-timeout', 500
            or POSIX::_exit(127);
    }
    $member->{pid} = $pid;
    return;
}

sub health {
    my ($member) = @_;
    my $reply = HTTP::Tiny->new(timeout => 2)->get(client_of($member) . '/health');
    return $reply->{success} ? decode_json($reply->{content})->{health} : undef;
}

# Ends all members, or those with these numbers: TERM, or KILL.
sub end {
    my ($self, $signal, @numbers) = @_;
    for my $member (grep { my $number = $_->{number}; !@numbers || grep { $_ == $number } @numbers } @{ $self->{members} }) {
        my $pid = delete $member->{pid} // next;
        kill $signal, $pid;
        kill 'CONT', $pid;
        waitpid $pid, 0;
    }
    return;
}

sub stop   { my ($self, @numbers) = @_; return $self->end('TERM', @numbers) }
sub crash  { my ($self, @numbers) = @_; return $self->end('KILL', @numbers) }
# Waits until each of its threads has stopped.
sub pause {
    my ($self) = @_;
    kill 'STOP', $self->pids;
    my $runs = sub { grep { (eval { read_file($_) } // '() T') !~ /\) [Tt]/ } map { glob "/proc/$_/task/*/stat" } $self->pids };
    wait_until(5, 'etcd has stopped', sub { !$runs->() });
    return;
}
sub resume { my ($self) = @_; return kill 'CONT', $self->pids }

# What it knows is gone, and it is another cluster when it is started again.
sub empty {
    my ($self, $token) = @_;
    $self->crash;
    system('rm', '-rf', map { "$self->{dir}/etcd-$_->{number}" } @{ $self->{members} });
    $self->{token} = $token // "$self->{token}+";
    return $self;
}

# A copy of its data, as after a loss of power: a folder for restore. It is the same cluster afterwards, of an earlier day.
sub backup {
    my ($self) = @_;
    my $copy = "$self->{dir}/backup-" . ++$self->{backups};
    mkdir $copy or croak "$copy: $!";
    $self->pause;
    system('cp', '-a', map({ "$self->{dir}/etcd-$_->{number}" } @{ $self->{members} }), $copy) == 0 or croak 'cp failed';
    $self->resume;
    return $copy;
}

sub restore {
    my ($self, $copy) = @_;
    $self->crash;
    for my $member (@{ $self->{members} }) {
        my $name = "etcd-$member->{number}";
        system('rm', '-rf', "$self->{dir}/$name");
        system('cp', '-a', "$copy/$name", "$self->{dir}/$name") == 0 or croak 'cp failed';
    }
    return $self;
}

# Reading and writing it, past those who are tested

sub ask {
    my ($self, $what, $question) = @_;
    my ($member) = grep { $_->{pid} } @{ $self->{members} };
    my $reply = HTTP::Tiny->new(timeout => 5)->post(client_of($member) . "/v3/kv/$what", {content => encode_json($question)});
    croak "etcd: $reply->{status} $reply->{content}" if !$reply->{success};
    return decode_json($reply->{content});
}

# Keys that begin so, without what they begin with: what each says.
sub read {
    my ($self, $prefix) = @_;
    my $end = $prefix =~ s/(.)\z/chr(1 + ord $1)/esr;
    my $reply = $self->ask('range', {key => encode_base64($prefix, ''), range_end => encode_base64($end, '')});
    return {map { substr(decode_base64($_->{key}), length $prefix) => decode_base64($_->{value} // '') } @{ $reply->{kvs} // [] }};
}

sub write {
    my ($self, $key, $value) = @_;
    $self->ask('put', {key => encode_base64($key, ''), value => encode_base64($value, '')});
    return;
}

# Forgets all but what is now.
sub compact {
    my ($self) = @_;
    my $revision = $self->ask('range', {key => encode_base64('/', '')})->{header}{revision};
    $self->ask('compaction', {revision => $revision, physical => JSON::PP::true()});
    return;
}

sub remove {
    my ($self, $key) = @_;
    $self->ask('deleterange', {key => encode_base64($key, '')});
    return;
}

1;
