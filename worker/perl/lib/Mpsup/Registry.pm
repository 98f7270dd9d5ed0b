# A folder of CGI programs as a PSGI application. Perl scripts are compiled when the application is made, which is before
# a pool forks its children; what is no Perl runs as a program of its own.
package Mpsup::Registry;
use strict;
use warnings;
use Cwd ();
use Mpsup::Registry::Handles;
use Mpsup::Registry::Head;
use Mpsup::Registry::Program;
use Mpsup::Registry::Script;

our $DEPTH     = 16;     # of folders
our $FILES     = 10_000; # in all of them
our $REDIRECTS = 5;      # local ones in one request
my %mode_known = map { $_ => 1 } qw(registry perlrun fork exec);

our @all; # that were made: whoever watches code asks them for files

my $runs = 0; # makes packages different

# A Perl switch that a sub can do without or that is given to it: the others change what the program means.
my $harmless_switches = qr/\A-[wWXTtUu]+\z/;

# What the server interrupts a request with.
my $out_of_time = qr/\Athe request took longer than request_timeout allows/;

sub new {
    my ($class, %given) = @_;
    my $self = bless {mode => 'registry', modes => {}, %given, scripts => {}, folders => {'' => 1}}, $class;
    $self->{dir} = Cwd::abs_path($given{dir} // '') // die "no folder $given{dir}\n";
    for my $mode ($self->{mode}, values %{ $self->{modes} }) {
        die "there is no mode $mode: registry, perlrun, fork and exec are known\n" unless $mode_known{$mode};
    }
    opendir $self->{home}, '.' or die "the working directory: $!\n";
    $self->{umask} = umask;
    my %base = %ENV; # of what a request may say, nothing comes from the server's own environment
    delete @base{ 'MOD_PERL', grep { /\A(?:HTTP|REMOTE|CONTENT|SERVER|REQUEST|SCRIPT|PATH_|QUERY_STRING|AUTH_TYPE\z|GATEWAY)/ } keys %base };
    $base{PATH} //= '/usr/local/bin:/usr/bin:/bin';
    $self->{base} = \%base;
    $Mpsup::Registry::Script::servers_ends ||= Mpsup::Registry::Script::end_blocks();
    my %before = map { $_ => 1 } Mpsup::Registry::Handles::descriptors();
    $self->scan('', 0);
    $self->{descriptors} = {map { $_ => 1 } grep { !$before{$_} } Mpsup::Registry::Handles::descriptors()};
    push @all, $self;
    return $self;
}

sub to_app {
    my ($self) = @_;
    return sub { $self->call($_[0]) };
}

# The files that were compiled, and what they took in with require.
sub files {
    my ($self) = @_;
    my %files;
    for my $script (grep { $_->{compiled} } values %{ $self->{scripts} }) {
        $files{ $script->{file} } = 1;
        $files{$_} = 1 for map { m{\A/} ? $_ : "$script->{folder}/" . s{\A(?:\./)+}{}r } values %{ $script->{compiled}{libraries} };
    }
    return sort keys %files;
}

# Finds the programs below a folder. Links to files are followed, links to folders are not.
sub scan {
    my ($self, $below, $depth) = @_;
    my $folder = $below eq '' ? $self->{dir} : "$self->{dir}/$below";
    opendir my $entries, $folder or die "$folder: $!\n";
    for my $name (sort grep { !/\A\./ && !/[\x00-\x1f"]/ } readdir $entries) {
        my $path = $below eq '' ? $name : "$below/$name";
        if (-f "$folder/$name") {
            $self->add($path) if -x _ and !$self->{scripts}{$path};
        }
        elsif (-d _ && !-l "$folder/$name" && $depth < $DEPTH) {
            $self->{folders}{$path} = 1;
            $self->scan($path, $depth + 1);
        }
        die "$self->{dir}: more than $FILES programs\n" if keys %{ $self->{scripts} } > $FILES;
    }
    return;
}

sub add {
    my ($self, $path) = @_;
    my $file = "$self->{dir}/$path";
    my ($mode, $explicit) = $self->mode_of($path);
    my $line = first_line($file);
    my ($switches) = $line =~ /\A#!.*?\bperl[\w.]*((?:[ \t]+\S+)*)/;
    my @others = grep { !/$harmless_switches/ } split ' ', $switches // '';
    if (!defined $switches) { $mode = 'exec' }
    elsif (@others and $mode ne 'exec' and !$explicit) {
        note("$path: its first line gives perl @others: it runs in mode exec");
        $mode = 'exec';
    }
    my $script = {path => $path, file => $file, folder => $file =~ s{/[^/]*\z}{}r, mode => $mode, explicit => $explicit};
    $self->compile($script) if $mode eq 'registry' or $mode eq 'fork';
    $self->{scripts}{$path} = $script;
    return $script;
}

# The mode of a path, and whether it was given for this very one. A name goes before patterns, a long pattern before a
# short one.
sub mode_of {
    my ($self, $path) = @_;
    my $modes = $self->{modes};
    return ($modes->{$path}, 1) if $modes->{$path};
    for my $pattern (sort { length $b <=> length $a || $a cmp $b } keys %$modes) {
        my $match = join '', map { $_ eq '*' ? '[^/]*' : $_ eq '?' ? '[^/]' : quotemeta } split //, $pattern;
        return ($modes->{$pattern}, 1) if $path =~ /\A$match\z/;
    }
    return ($self->{mode}, 0);
}

sub first_line {
    my ($file) = @_;
    open my $handle, '<:raw', $file or return ''; # it may be run without being read
    read $handle, my $start, 512;
    return $start =~ /\A([^\r\n]*)/ ? $1 : '';
}

sub compile {
    my ($self, $script) = @_;
    local %ENV = %{ $self->{base} };
    my $package = $script->{file} =~ s/([^A-Za-z0-9_])/sprintf '_%2x', ord $1/ger;
    $package .= '_' . ++$runs if $Mpsup::ROOT::{"${package}::"}; # another application has this folder
    my $compiled = eval {
        Mpsup::Registry::Script->new(file => $script->{file}, folder => $script->{folder}, package => "Mpsup::ROOT::$package");
    };
    my $error = $@;
    $self->go_home;
    die "$script->{path} does not compile: $error" unless $compiled;
    $script->{compiled} = $compiled;
    my $unshared = $compiled->{unshared};
    if (%$unshared and $script->{mode} eq 'registry' and !$script->{explicit}) {
        my @uses = map { "$_ (line $unshared->{$_})" } sort { $unshared->{$a} <=> $unshared->{$b} || $a cmp $b } keys %$unshared;
        splice @uses, 3, @uses - 3, 'and ' . (@uses - 3) . ' more' if @uses > 4;
        note("$script->{path}: named subroutines use the file's variable " . join(', ', @uses) . ': it runs in mode fork');
        $script->{mode} = 'fork';
    }
    return;
}

sub note {
    my ($text) = @_;
    print STDERR "mpsup: $text\n";
    return;
}

sub go_home {
    my ($self) = @_;
    chdir $self->{home} or die "cannot go back to the working directory: $!\n";
    return;
}

sub call {
    my ($self, $env) = @_;
    my @cookies; # outlive a local redirect
    local ($@, $?, $!);
    for (0 .. $REDIRECTS) {
        my ($script, $path_info) = eval { $self->find($env->{PATH_INFO}) };
        return failure($env, $env->{PATH_INFO}, $@) if $@;
        return $self->refuse($env) unless $script;
        my ($head, $rest) = eval { $self->run($script, $env, $path_info) };
        return failure($env, $script->{path}, $@ || $rest) unless $head;
        my $next = $self->redirected($env, $head) or return respond($env, $script, $head, $rest, \@cookies);
        push @cookies, grep { defined } map { lc $head->{fields}[$_ * 2] eq 'set-cookie' ? @{ $head->{fields} }[$_ * 2, $_ * 2 + 1] : () }
            0 .. @{ $head->{fields} } / 2 - 1;
        $rest->drain if ref $rest eq 'Mpsup::Registry::Program';
        $env = $next;
    }
    return failure($env, $env->{PATH_INFO}, "more than $REDIRECTS local redirects");
}

# The program that a path begins with, and the rest of the path. Links to itself and parents are for nobody.
sub find {
    my ($self, $path) = @_;
    return if $path =~ m{\0|/\.\.?(?:/|\z)};
    my ($script, $rest) = $self->known($path);
    return ($script, $rest) unless $self->{development};
    if (!$script) {
        $self->scan('', 0);
        ($script, $rest) = $self->known($path) or return;
    }
    my ($mtime, $size) = (stat $script->{file})[9, 7];
    if (!defined $mtime) {
        delete $self->{scripts}{ $script->{path} };
        return;
    }
    my $compiled = $script->{compiled};
    if ($compiled and ($compiled->{mtime} != $mtime or $compiled->{size} != $size) or $script->{stale}) {
        $script->{stale} = 1; # until it compiles
        $compiled->forget if $compiled;
        delete $script->{compiled};
        $script = $self->add($script->{path});
    }
    return ($script, $rest);
}

sub known {
    my ($self, $path) = @_;
    my $scripts = $self->{scripts};
    if ($path =~ m{\A/((?:[^/]+/){0,$DEPTH}[^/]+)}) {
        for (my $name = $1; ; $name = substr $name, 0, rindex $name, '/') {
            return ($scripts->{$name}, substr $path, 1 + length $name) if $scripts->{$name};
            last if index($name, '/') < 0;
        }
    }
    return unless $path =~ m{\A/(?:(.+)/)?\z};
    for my $index (map { (defined $1 ? "$1/" : '') . $_ } 'index.cgi', 'index.pl') {
        return ($scripts->{$index}, '') if $scripts->{$index};
    }
    return;
}

# For a path that no program has: a folder wants its slash, a file that is there is none of those that may be seen.
sub refuse {
    my ($self, $env) = @_;
    my ($folder, $name) = $env->{PATH_INFO} =~ m{\A/?(?:(.*)/)?([^/]*)\z};
    my $path = defined $folder ? "$folder/$name" : $name;
    if ($self->{folders}{$path} and $env->{PATH_INFO} !~ m{/\z}) {
        my $location = join '', $env->{SCRIPT_NAME} // '', $path eq '' ? '' : "/$path", '/';
        $location =~ s{([^A-Za-z0-9/._~!\$&'()*+,;=:\@-])}{sprintf '%%%02X', ord $1}ge;
        $location .= "?$env->{QUERY_STRING}" if length($env->{QUERY_STRING} // '');
        return [301, [Location => $location, 'Content-Type' => 'text/plain'], ["301 Moved Permanently\n"]] if $location !~ m{\A//};
    }
    my $there = $self->{folders}{ $folder // '' } && $name !~ /\A\.|\0/ && -f "$self->{dir}/$path" && !-x _;
    my ($status, $text) = $there ? (403, 'Forbidden') : (404, 'Not Found');
    return [$status, ['Content-Type' => 'text/plain'], ["$status $text\n"]];
}

sub failure {
    my ($env, $path, $why) = @_;
    die $why if $why =~ $out_of_time; # the server answers that itself
    chomp $why;
    $env->{'psgi.errors'}->print("mpsup: $path: $why\n");
    return [500, ['Content-Type' => 'text/plain'], ["500 Internal Server Error\n"]];
}

# Runs a program. Gives its head and what follows, a file or a process; without head the second says why.
sub run {
    my ($self, $script, $env, $path_info) = @_;
    my $cgi   = $self->cgi_environment($script, $env, $path_info);
    my $input = Mpsup::Registry::Handles::body($env);
    return $self->run_here($script, $cgi, $input) if $script->{mode} eq 'registry' or $script->{mode} eq 'perlrun';
    my $program = Mpsup::Registry::Program->start($input, sub {
        return $script->{compiled}->serve_alone($cgi, $self->{descriptors}) if $script->{mode} eq 'fork';
        %ENV = (%{ $self->{base} }, %$cgi);
        chdir $script->{folder} or die "$script->{folder}: $!\n";
        no warnings 'exec';
        exec { $script->{file} } $script->{file} or die "cannot run $script->{file}: $!\n";
    });
    my $text = $program->head;
    return understand($text, $program) if defined $text;
    my $complete = $program->ends_within(0.5);
    $program->stop;
    return (undef, join ', ', 'no header in what the script printed', $complete ? $program->complaint // () : ());
}

sub run_here {
    my ($self, $script, $cgi, $input) = @_;
    my $compiled = $script->{compiled} // $self->compile_for_one_run($script, $cgi);
    my ($output, $error) = $compiled->serve($input, $cgi);
    alarm 0;
    umask $self->{umask};
    $self->go_home;
    $compiled->forget if !$script->{compiled};
    return (undef, "$error") if defined $error;
    seek $output, 0, 0;
    my ($text, $length) = ('');
    until (defined($length = Mpsup::Registry::Head::length_in($text))) {
        last if length $text > $Mpsup::Registry::Head::LIMIT or !read $output, $text, 8192, length $text;
    }
    return (undef, 'no header in what the script printed') if !defined $length or $length > $Mpsup::Registry::Head::LIMIT;
    seek $output, $length, 0;
    return understand(substr($text, 0, $length), $output);
}

sub compile_for_one_run {
    my ($self, $script, $cgi) = @_;
    local %ENV = (%{ $self->{base} }, %$cgi);
    my $compiled = eval {
        Mpsup::Registry::Script->new(file => $script->{file}, folder => $script->{folder}, package => 'Mpsup::RUN::_' . ++$runs);
    };
    return $compiled // do { my $error = $@; $self->go_home; die "does not compile: $error" };
}

sub understand {
    my ($text, $rest) = @_;
    my $head = Mpsup::Registry::Head::parse($text);
    return ref $head ? ($head, $rest) : (undef, $head);
}

# RFC 3875 has the names; a front end may have added some of its own, such as REMOTE_USER.
sub cgi_environment {
    my ($self, $script, $env, $path_info) = @_;
    my %cgi = map { $_ => $env->{$_} } grep { !/[^A-Z0-9_]/ && defined $env->{$_} && !ref $env->{$_} } keys %$env;
    delete @cgi{qw(HTTP_PROXY HTTP_CONTENT_LENGTH HTTP_CONTENT_TYPE MOD_PERL)};
    delete $cgi{CONTENT_LENGTH} unless length($cgi{CONTENT_LENGTH} // '');
    $cgi{GATEWAY_INTERFACE} = 'CGI/1.1';
    $cgi{SERVER_SOFTWARE} //= 'mpsup';
    $cgi{QUERY_STRING}    //= '';
    $cgi{SCRIPT_NAME}     = ($env->{SCRIPT_NAME} // '') . "/$script->{path}";
    $cgi{PATH_INFO}       = $path_info;
    $cgi{SCRIPT_FILENAME} = $script->{file};
    $cgi{DOCUMENT_ROOT}   = $self->{dir};
    $cgi{HTTPS}           = 'on' if ($env->{'psgi.url_scheme'} // '') eq 'https';
    return \%cgi;
}

# The next request of a local redirect. A path that no program of ours has is for the client to ask for: somebody else
# may serve it.
sub redirected {
    my ($self, $env, $head) = @_;
    my $location = $head->{location} // return;
    return if defined $head->{status} or $location !~ m{\A/(?!/)};
    my ($path, $query) = $location =~ m{\A([^?#]*)(?:\?([^#]*))?};
    $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    my $mount = $env->{SCRIPT_NAME} // '';
    return if index("$path/", "$mount/") != 0;
    my $below = substr $path, length $mount;
    my ($script) = $self->find($below);
    return unless $script;
    my %next = (%$env, REQUEST_METHOD => 'GET', PATH_INFO => $below, QUERY_STRING => $query // '', REQUEST_URI => $location);
    delete @next{qw(CONTENT_LENGTH CONTENT_TYPE)};
    return \%next;
}

sub respond {
    my ($env, $script, $head, $rest, $cookies) = @_;
    my ($status, $fields) = Mpsup::Registry::Head::for_psgi($head);
    push @$fields, @$cookies;
    return [$status, $fields, $rest] if ref $rest ne 'Mpsup::Registry::Program';
    return sub {
        my ($responder) = @_;
        $rest->stream($responder->([$status, $fields]));
        my $complaint = $rest->complaint // return;
        $env->{'psgi.errors'}->print("mpsup: $script->{path}: $complaint\n");
    };
}

1;
