# A site on several machines (Mpsup::Machines) with an etcd: a supervisor on each, which all see the same files and have a state of
# their own.
package Mpsup::Cluster;
use strict;
use warnings;
use Mpsup::Machines;
use Carp         qw(croak);
use JSON::PP     qw(decode_json);
use Mpsup::Etcd  ();
use Mpsup::Proxy ();
use Mpsup::Test  qw(new_site read_file wait_until);
use POSIX        ();

# Why there can be none here; nothing if there can.
sub reason { return Mpsup::Machines::reason() // Mpsup::Etcd::reason() }

# `machines`: their names, as Mpsup::Machines takes them; `site`: its name; `user`: [UID, GID] that supervisors run as; `members`: of
# etcd; `proxy`: supervisors reach it through one; `options`: more words for supervise. Etcd runs, and no supervisor.
sub new {
    my ($class, %options) = @_;
    my $files   = new_site(name => $options{site} // 'test');
    my $network = Mpsup::Machines->new(@{ $options{machines} });
    my $etcd    = Mpsup::Etcd->new(dir => $files->dir, members => $options{members} // 1)->start;
    my $self    = bless {files => $files, network => $network, etcd => $etcd, urls => $etcd->urls, pids => {}}, $class;
    $self->{options} = $options{options} // [];
    if ($options{proxy}) {
        my $here = Mpsup::Machines::here();
        $self->{proxy} = Mpsup::Proxy->new(listen => "$here:2300", to => "$here:2379");
        $self->{urls}  = $self->{proxy}->url;
    }
    my @as_user;
    if (my ($uid, $gid) = @{ $options{user} // [] }) {
        chown $uid, $gid, $files->dir or croak "chown: $!";
        @as_user = ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups', qw(--inh-caps +net_admin --ambient-caps +net_admin)); # vip
    }
    $self->{as_user} = \@as_user;
    for my $name ($network->names) {
        $self->{sites}{$name} = $files->on_machine("$files->{dir}/$name", sub { ($network->inside($name), @as_user) });
    }
    return $self;
}

sub files   { return $_[0]{files} }
sub network { return $_[0]{network} }
sub etcd    { return $_[0]{etcd} }
sub proxy   { return $_[0]{proxy} }
sub names   { return $_[0]{network}->names }

# The site as one machine has it (Mpsup::Test).
sub on { my ($self, $name) = @_; return $self->{sites}{$name} // croak "no machine $name" }

# A topology file of all machines, from the text of its workers and of what else there is.
sub topology {
    my ($self, $workers, %options) = @_;
    my @machines = @{ $options{machines} // [$self->names] };
    my $text = "site: test\nmachines: {" . join(', ', map { "$_: {address: @{[$self->{network}->address($_)]}}" } @machines) . "}\n";
    return $self->files->write($options{name} // 'site.yaml', $text . ($options{more} // '') . "workers:\n$workers");
}

# Starts the supervisors of these machines, or of all, and waits until they answer.
sub supervise {
    my ($self, @names) = @_;
    @names = $self->names if !@names;
    $self->start_supervisor($_) for @names;
    $self->wait_for_supervisor($_) for @names;
    return $self;
}

sub start_supervisor {
    my ($self, $name, @options) = @_;
    my @words = ('--machine', $name, '--cluster', $self->{urls}, @{ $self->{options} }, @options);
    return $self->{pids}{$name} = $self->{network}->start($name, $self->log_file($name), @{ $self->{as_user} },
        $self->on($name)->command('supervise', '--site', $self->{files}{name}, @words));
}

sub wait_for_supervisor {
    my ($self, $name) = @_;
    my $pid = $self->{pids}{$name};
    eval {
        wait_until(15, "the supervisor of $name answers", sub {
            die "it has ended\n" if waitpid($pid, POSIX::WNOHANG()) == $pid;
            my ($code, $out) = $self->on($name)->mpsup('status', '-o', 'json');
            my $status = eval { decode_json($out) };
            $status && ($status->{supervisor}{pid} // 0) == $pid;
        });
    } or croak "$@" . $self->log($name);
    return;
}

sub pid      { my ($self, $name) = @_; return $self->{pids}{$name} }
sub log_file { my ($self, $name) = @_; return "$self->{files}{dir}/$name.log" }

# The end of it.
sub log {
    my ($self, $name) = @_;
    my @lines = split /^/, read_file($self->log_file($name));
    splice @lines, 0, -30 if @lines > 30;
    return join '', "$name:\n", @lines;
}

# Ends a supervisor, and waits until it has.
sub end {
    my ($self, $name, $signal) = @_;
    my $pid = delete $self->{pids}{$name};
    kill $signal, $pid;
    waitpid $pid, 0;
    return $?;
}

# A verb of mpsup in a process of its own, on a machine. Returns a function that waits for it: exit code, standard output, error.
# With an argument it only says whether that is over.
sub begin {
    my ($self, $name, @arguments) = @_;
    my $said = $self->{files}{dir} . '/said.' . ++$self->{begun};
    my $pid  = fork // croak "fork: $!";
    if (!$pid) {
        my ($code, $out, $err) = $self->on($name)->mpsup(@arguments);
        Mpsup::Test::write_file("$said.out", $out);
        Mpsup::Test::write_file("$said.err", $err);
        POSIX::_exit($code);
    }
    my $code;
    return sub {
        my ($only_look) = @_;
        $code = $? >> 8 if !defined $code && waitpid($pid, $only_look ? POSIX::WNOHANG() : 0) == $pid;
        return $only_look ? defined $code : ($code, map { read_file("$said.$_") } qw(out err));
    };
}

# What a machine says of the cluster, without asking the others.
sub seen_by {
    my ($self, $name) = @_;
    my ($code, $out, $err) = $self->on($name)->mpsup('status', '--machine', $name, '-o', 'json');
    return eval { decode_json($out)->{cluster} } // croak "status on $name: $code $out $err";
}

# Waits until it says this of the store: connected, alone, refused, unaccepted.
sub wait_for_state {
    my ($self, $name, $state, $seconds) = @_;
    my $seen;
    my $is_so = sub { $seen = $self->seen_by($name); return $seen->{state} eq $state };
    return eval { wait_until($seconds // 20, "$name is $state", $is_so) } // croak "$@$seen->{state}: $seen->{why}\n" . $self->log($name);
}

# What the store says

sub key     { my ($self, $key) = @_; my $text = $self->{etcd}->read("/mpsup/$self->{files}{name}/")->{$key}; return $text ? decode_json($text) : undef }
sub machine { my ($self, $name) = @_; return $self->key("machine/$name") }

# The number of the topology that is wanted; 0: none.
sub wanted { my ($self) = @_; return ($self->key('wanted') // {})->{number} // 0 }

# The change that runs or ran last, with how each machine stands in it: name => waiting, granted, done, failed, absent, cordoned, skipped.
sub change {
    my ($self) = @_;
    my $change = $self->key('change') // return;
    my %word   = map { substr($_, 0, 1) => $_ } qw(waiting granted done failed absent cordoned skipped);
    my @states = map { $word{$_} } split //, lc($change->{states} // '');
    $change->{parts} = {map { $change->{machines}[$_] => $states[$_] } 0 .. $#states};
    return $change;
}

# All of these machines, or of all, run what is wanted, and are well.
sub wait_converged {
    my ($self, $seconds, @names) = @_;
    @names = $self->names if !@names;
    my $is_so = sub {
        my $wanted = $self->wanted or return 0;
        my @machines = map { $self->machine($_) // {} } @names;
        return !grep { !$_->{well} || ($_->{number} // 0) != $wanted } @machines;
    };
    return eval { wait_until($seconds, "@names run what is wanted", $is_so) } // croak $@ . join "\n", map { $self->log($_) } @names;
}

1;
