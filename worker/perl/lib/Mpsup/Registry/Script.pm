# A Perl CGI script, compiled into a sub and run in a process that goes on to live.
package Mpsup::Registry::Script;

# First in the file, so that a script sees no pragma and no variable of ours. evalbytes: source filters work in it.
sub evaluate { CORE::evalbytes($_[0]) }

use strict;
use warnings;
use B ();
use Mpsup::Registry::Handles;
use POSIX ();
use Symbol ();

our ($running, $current, $exit_code); # the process in which a script runs, the script, and what it said to exit()
our $alone;                           # this process is the program
our $servers_ends = 0;                # END blocks that were there before any script
our $fcgi_accepted;
my $fcgi_shim;

# exit() ends the run and nothing more. `last` leaves evals of the script too, which throwing would not. It finds no way
# out of sort blocks, signal handlers and other calls from C: there the server's own exit throws, or the process ends.
BEGIN {
    my $servers = defined &CORE::GLOBAL::exit ? \&CORE::GLOBAL::exit : undef;
    no warnings qw(redefine prototype);
    *CORE::GLOBAL::exit = sub (;$) {
        my $code = @_ ? $_[0] : 0;
        if ($running) {
            $exit_code = $code;
            eval { no warnings 'exiting'; last MPSUP_REQUEST };
            leave_process($current->run_ends($code)) if $alone or $running != $$;
            local $SIG{__DIE__};
            die bless \$code, 'Mpsup::Exit';
        }
        $servers ? $servers->($code) : CORE::exit($code);
    };
}

# Compiles a script into a package; dies with Perl's message.
sub new {
    my ($class, %given) = @_; # file, folder, package
    my $self = bless {%given, base_inc => [grep { !ref } @INC]}, $class;
    @$self{qw(mtime size)} = (stat $self->{file})[9, 7];
    $self->read_source;
    local ($0, $^W) = ($self->{file}, $self->{warn});
    local @INC = @INC;
    local @ARGV;
    my $handlers = signal_handlers();
    chdir $self->{folder} or die "$self->{folder}: $!\n";
    $self->compile;
    $self->{inc} = [@INC];
    $self->{env} = {%ENV};
    restore_signals($handlers);
    return $self;
}

sub read_source {
    my ($self) = @_;
    open my $file, '<:raw', $self->{file} or die "$self->{file}: $!\n";
    my $code = do { local $/; <$file> };
    $self->{warn} = $code =~ /\A#![^\n]*perl\S*[^\n]*\s-\w*w/ ? 1 : 0;
    if ($code =~ s/^__(END|DATA)__[ \t]*\r?(?:\n(.*))?\z//ms or $code =~ s/^__(END|DATA)__[ \t]*\r?\n(.*)//ms) {
        $self->{data} = $2 // '';
        # __DATA__ belongs to the package that it stands in
        my $package = $1 eq 'DATA' && $code =~ /.*^[ \t]*package\s+([\w:]+)\s*;/ms ? $1 : $self->{package};
        $self->{data_handle} = "${package}::DATA";
    }
    $self->{source} = $code;
    return;
}

sub compile {
    my ($self) = @_;
    my ($package, $code) = @$self{qw(package source)};
    my $name = $code =~ /\bsub\s+handler\b/ ? 'mpsup_handler' : 'handler';
    # What BEGIN blocks and use do with the file's variables shows in warnings only.
    my $closure = $code =~ /\bBEGIN\b|^\s*use\s+\w.*[\$\@%]/m ? q{use warnings 'closure';} : '';
    my %unshared;
    my $catch = sub {
        return $unshared{$1} //= $2
            if $_[0] =~ /\AVariable "(.+)" (?:will not stay shared|is not available) at \Q$self->{file}\E line (\d+)/;
        print STDERR $_[0];
    };
    local @SIG{qw(__WARN__ __DIE__)};
    # It makes itself the handler when it is loaded: for the first script only, and in our place.
    $self->{on_warn} = \&CGI::Carp::warn if $code =~ /\buse\s+CGI::(?:Carp|Fast)\b/ and eval { require CGI::Carp };
    $SIG{__WARN__} = $catch;
    local ($CGI::Carp::WRAP, @CGI::SAVED_SYMBOLS) = 0;
    FindBin::again() if defined &FindBin::again;
    my $ends = end_blocks();
    $self->{servers_files} = {map { $_ => 1 } grep { !/\.pm\z/ } keys %INC};
    {
        my $import = warnings->can('import');
        no warnings 'redefine'; # under FATAL a closure that matters in our sub only would be an error
        local *warnings::import = sub { &$import; $import->('warnings', NONFATAL => 'closure') if grep { /\AFATAL\z/ } @_ };
        evaluate("package $package; sub $name {$closure\n#line 1 \"$self->{file}\"\n$code\n;\n=pod\n\n=cut\n}\n1")
            or die ref $@ eq 'Mpsup::Exit' ? "$self->{file}: it calls exit while it is compiled\n" : $@;
    }
    $self->{code}    = do { no strict 'refs'; \&{"${package}::$name"} };
    $self->{wrap}    = $CGI::Carp::WRAP;
    $self->{on_die}  = $SIG{__DIE__};
    $self->{on_warn} = $SIG{__WARN__} if ($SIG{__WARN__} // '') ne $catch;
    $self->{findbin} = [findbin()];
    $self->{ends}    = [$self->take_ends($ends)];
    $self->{cgi_pragmas} = [grep { /\A-/ } @CGI::SAVED_SYMBOLS];
    $self->{libraries}   = {};
    $self->keep_libraries;
    my %packages = map { $_ => 1 } $package, grep { $_ ne 'main' } $code =~ /^\s*package\s+([\w:]+)/mg;
    $self->{packages} = [keys %packages];
    $self->{unshared} = {%unshared, $self->unshared};
    delete $self->{source};
    return;
}

sub end_blocks {
    my $list = B::end_av();
    return ref $list eq 'B::AV' ? $list->FILL + 1 : 0;
}

# END blocks of the script leave Perl's list: they belong to each request. New ones stand in front.
sub take_ends {
    my ($self, $before) = @_;
    my $list = B::end_av();
    return unless ref $list eq 'B::AV';
    my @blocks = $list->ARRAY;
    my @ours;
    for my $i (reverse 0 .. $#blocks - $before) {
        next unless $blocks[$i]->FILE eq $self->{file};
        unshift @ours, $blocks[$i]->object_2svref;
        splice @{ $list->object_2svref }, $i, 1;
    }
    return @ours;
}

# A file that is required without being a module defines its subs in the package of who asks first. So each script has
# its own, and none stays in %INC. Perl's own such files do.
sub keep_libraries {
    my ($self) = @_;
    for my $name (grep { !/\.pm\z/ && !$self->{servers_files}{$_} } keys %INC) {
        next if grep { index($INC{$name} // '', "$_/") == 0 } @{ $self->{base_inc} };
        $self->{libraries}{$name} = delete $INC{$name};
    }
    return;
}

# The file's variables that named subs and END blocks caught: they would keep the value of the first run.
sub unshared {
    my ($self) = @_;
    my @subs = map { B::svref_2object($_) } @{ $self->{ends} };
    for my $package (@{ $self->{packages} }) {
        no strict 'refs';
        push @subs, map { B::svref_2object(\&{"${package}::$_"}) } grep { !/::\z/ && defined &{"${package}::$_"} } keys %{"${package}::"};
    }
    my @lines = split /\n/, $self->{source};
    my %found;
    for my $sub (grep { $_->FILE eq $self->{file} && ref $_->START ne 'B::NULL' && ref $_->PADLIST eq 'B::PADLIST' } @subs) {
        for my $name (grep { ref $_ eq 'B::PADNAME' && defined $_->PV } $sub->PADLIST->ARRAYelt(0)->ARRAY) {
            next unless $name->FLAGS & B::PADNAMEt_OUTER();
            next if $name->FLAGS & (B::PADNAMEt_OUR() | B::PADNAMEt_STATE()) or $name->PV =~ /\A&/;
            my ($word) = $name->PV =~ /(\w+)/ or next;
            my ($line) = grep { ($lines[$_ - 1] // '') =~ /[\$\@%#]\{?\Q$word\E\b/ } $sub->START->line .. @lines;
            $found{ $name->PV } //= $line // $sub->START->line;
        }
    }
    return %found;
}

# One request in this process. Gives the output as a file, and what the script died of.
sub serve {
    my ($self, $input, $cgi) = @_;
    my $output = Mpsup::Registry::Handles::temporary();
    Mpsup::Registry::Handles::keep();
    my ($process, $handlers) = ($$, signal_handlers());
    my ($servers, $selected) = ([*STDIN{IO}, *STDOUT{IO}], select STDOUT);
    local %ENV = (%{ $self->{env} }, %$cgi);
    my ($code, $error) = eval { Mpsup::Registry::Handles::replace($input, $output); $self->run };
    $error //= $@ unless defined $code;
    if ($$ != $process) { # forked by the script, which did not care to exit
        print STDERR $error =~ s/\n?\z/\n/r if defined $error;
        leave_process($code // 255);
    }
    select $selected;
    $error //= 'its output could not be written' unless Mpsup::Registry::Handles::restore($servers);
    restore_signals($handlers);
    return ($output, $error);
}

# The run of a process that was forked for it, and is the program from now on. Does not come back.
sub serve_alone {
    my ($self, $cgi, $descriptors) = @_;
    Mpsup::Registry::Handles::close_others($descriptors);
    %ENV = (%{ $self->{env} }, %$cgi);
    $alone = 1;
    srand;
    select STDOUT;
    $current = $self;
    my ($code, $error) = $self->run;
    print STDERR $error =~ s/\n?\z/\n/r if defined $error;
    leave_process($code);
    return;
}

# Runs the script once with its END blocks; descriptors and %ENV are in place. Gives its exit code and what it died of.
sub run {
    my ($self) = @_;
    local ($running, $current, $exit_code, $fcgi_accepted) = ($$, $self, undef, 0);
    local ($0, $^W, $^T) = ($self->{file}, $self->{warn}, time);
    local ($/, $,, $\, $", $;) = ("\n", undef, undef, ' ', "\034");
    local ($?, $!, $@, $_) = (0, 0, '');
    local @ARGV;
    local @INC = @{ $self->{inc} };
    local @SIG{qw(__DIE__ __WARN__)} = map { $_ // '' } @$self{qw(on_die on_warn)};
    local $CGI::Carp::WRAP = $self->{wrap};
    my $modules = $self->prepare_modules;
    my $whole = eval {
        chdir $self->{folder} or die "$self->{folder}: $!\n";
        MPSUP_REQUEST: { $self->{code}->() }
        1;
    };
    my $died = $whole || defined $exit_code ? undef : $@;
    my $code = $exit_code // (!defined $died ? 0 : $! + 0 || $? >> 8 || 255);
    if (ref $died eq 'Mpsup::Exit') { ($code, $died) = ($$died, undef) }
    $died = $self->show($died) if defined $died and $self->{wrap};
    $code = $self->run_ends($code);
    $self->keep_libraries if keys %INC != $modules or %{ $self->{libraries} };
    return ($code, $died);
}

# Inside an eval CGI::Carp does not show errors to the browser, and all that a server runs is inside one.
sub show {
    my ($self, $error) = @_;
    no warnings 'once';
    return $error unless $CGI::Carp::TO_BROWSER and eval { CGI::Carp::fatalsToBrowser($error); 1 };
    print STDERR "$error";
    return;
}

sub run_ends {
    my ($self, $code) = @_;
    my @blocks = @{ $self->{ends} };
    if ($alone) { # those of modules too, but not what was there before any script
        my $list = B::end_av();
        push @blocks, map { $_->object_2svref } ($list->ARRAY)[0 .. $list->FILL - $servers_ends] if ref $list eq 'B::AV';
    }
    return $code unless @blocks;
    local $? = $code;
    for my $block (@blocks) {
        next if eval { $block->(); 1 };
        if (ref $@ eq 'Mpsup::Exit') { $? = ${$@} }
        else                         { print STDERR "$@END failed--call queue aborted.\n" }
    }
    return $?;
}

# What is left of a program's end in a process that is not the server's. The server's own end must not happen in it.
sub leave_process {
    my ($code) = @_;
    if ($alone and $current) { wipe($_) for @{ $current->{packages} } }
    Mpsup::Registry::Handles::flush();
    POSIX::_exit($code & 255);
}

# Lets go of a package's variables, so that objects in them are destroyed. Their slots are exchanged: another package
# may share a variable.
sub wipe {
    my ($package) = @_;
    no strict 'refs';
    my $symbols = \%{"${package}::"};
    for my $name (grep { !/::\z/ && ref \$symbols->{$_} eq 'GLOB' } keys %$symbols) {
        my $glob = \*{"${package}::$name"};
        eval { *$glob = $_ } for \my $nothing, [], {};
    }
    return;
}

sub forget {
    my ($self) = @_;
    wipe($self->{package});
    undef $self->{code};
    Symbol::delete_package($self->{package});
    return;
}

# What modules keep from one request to the next.
sub prepare_modules {
    my ($self) = @_;
    if (defined &CGI::initialize_globals) {
        CGI::initialize_globals();
        CGI->_setup_symbols(@{ $self->{cgi_pragmas} }) if @{ $self->{cgi_pragmas} };
    }
    if (defined &FCGI::Accept and !$fcgi_shim) { # a FastCGI loop, also that of CGI::Fast, goes round once
        no warnings 'redefine';
        *FCGI::Accept = $fcgi_shim = sub ($) { $fcgi_accepted++ ? -1 : 0 };
    }
    set_findbin(@{ $self->{findbin} }) if @{ $self->{findbin} };
    @INC{ keys %{ $self->{libraries} } } = values %{ $self->{libraries} };
    if (defined $self->{data}) {
        no strict 'refs';
        close *{ $self->{data_handle} }; # resets $. as well
        open *{ $self->{data_handle} }, '<', \$self->{data} or die "DATA: $!\n";
    }
    return scalar keys %INC;
}

# FindBin looks once, and so for the first script only.
sub findbin     { return $INC{'FindBin.pm'} ? ($FindBin::Bin, $FindBin::Script, $FindBin::RealBin, $FindBin::RealScript) : () }
sub set_findbin { return ($FindBin::Bin, $FindBin::Script, $FindBin::RealBin, $FindBin::RealScript) = @_ }

# Perl reads dispositions once and remembers, so this is no system call each.
my @signals = qw(ALRM CHLD HUP INT PIPE QUIT TERM USR1 USR2);
sub signal_handlers { return [@SIG{@signals}] }

sub restore_signals {
    my ($handlers) = @_;
    for my $i (0 .. $#signals) {
        my $now = $SIG{ $signals[$i] };
        my $then = $handlers->[$i];
        next if ($now // '') eq ($then // '');
        defined $then ? $SIG{ $signals[$i] } = $then : delete $SIG{ $signals[$i] };
    }
    return;
}

1;
