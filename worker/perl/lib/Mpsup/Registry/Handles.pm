# Descriptors 0, 1 and 2, and the Perl handles on top of them, for the time of one request.
package Mpsup::Registry::Handles;
use strict;
use warnings;
use Config;
use IO::Handle;
use POSIX ();

my %memfd_create = (x86_64 => 319, aarch64 => 279);
my ($machine) = $Config{archname} =~ /\A(\w+?)-linux/;
my $memfd_create = $memfd_create{ $machine // '' };
my $memory_name = 'mpsup-cgi'; # syscall wants a variable

my ($process, @kept, $nothing); # the server's own three descriptors, kept aside once in each process

# A file without a name, in memory where the kernel can.
sub temporary {
    if ($memfd_create) {
        my $fd = syscall $memfd_create, $memory_name, 1; # close-on-exec
        if ($fd >= 0) {
            open my $file, '+<&=', $fd or die "cannot open a memory file: $!\n";
            return $file;
        }
    }
    open my $file, '+>', undef or die "cannot make a temporary file: $!\n";
    return $file;
}

# What the program shall read, as a handle whose descriptor stands where reading begins.
sub body {
    my ($env) = @_;
    return nothing() unless $env->{CONTENT_LENGTH};
    my $input = $env->{'psgi.input'};
    my $fd = eval { fileno $input };
    if (defined $fd and $fd >= 0 and -f $input) {
        sysseek $input, tell $input, 0; # Perl may have read ahead
        return $input;
    }
    my $copy = temporary();
    while ($input->read(my $piece, 65536)) {
        print {$copy} $piece or die "cannot write the body to a file: $!\n";
    }
    seek $copy, 0, 0 or die "cannot write the body to a file: $!\n";
    return $copy;
}

sub nothing {
    keep();
    return $nothing;
}

# Once in each process: a master may move its descriptors before it forks.
sub keep {
    return if ($process // 0) == $$;
    open $nothing, '<', '/dev/null' or die "/dev/null: $!\n";
    for my $fd (0 .. 2) {
        open $kept[$fd], $fd ? '>&' : '<&', $fd or open $kept[$fd], '+<', '/dev/null' or die "/dev/null: $!\n";
    }
    $process = $$;
    return;
}

# Puts the descriptors of two handles at 0 and 1, under handles that are new: no buffer, end of file, layer, line number
# or format of an earlier request is in them. Only the IO slots are exchanged: a format called STDOUT stays.
sub replace {
    my ($input, $output) = @_;
    STDOUT->flush if defined fileno(STDOUT) and !tied(*STDOUT); # what the server has not written yet is not for the client
    POSIX::dup2(fileno $input, 0);
    POSIX::dup2(fileno $output, 1);
    open my $in, '<&=', 0 or die "cannot open STDIN: $!\n";
    open my $out, '>&=', 1 or die "cannot open STDOUT: $!\n";
    *STDIN  = *{$in}{IO};
    *STDOUT = *{$out}{IO};
    return;
}

# The way back, with the server's own IO slots. Gives whether all of the output could be written.
sub restore {
    my ($servers) = @_;
    my $written = flush();
    *STDIN  = $servers->[0];
    *STDOUT = $servers->[1];
    POSIX::dup2(fileno $kept[$_], $_) for 0 .. 2;
    if ((fileno(STDERR) // -1) != 2) { # closed, or opened again elsewhere
        open my $errors, '>&=', 2 or return $written;
        $errors->autoflush(1);
        *STDERR = *{$errors}{IO};
    }
    return $written;
}

# Everything that Perl has not written yet. Only exec, system and fork flush all handles, and this exec cannot succeed.
sub flush {
    my $written = !defined fileno(STDOUT) || tied(*STDOUT) || STDOUT->flush; # a closed one has been written
    no warnings 'exec';
    exec {''} '' or return $written;
}

# For a process that was forked to be the program: what the server holds open is not its business. A descriptor that Perl
# knows must stay open, or its count of users would be wrong for the next file that gets the number.
sub close_others {
    my ($ours) = @_;
    for my $fd (grep { $_ > 2 && !$ours->{$_} } descriptors()) {
        if (open my $handle, '<&=', $fd) { close $handle }
    }
    close $_ for grep { defined && defined fileno $_ } @kept, $nothing;
    return;
}

sub descriptors {
    opendir my $dir, '/proc/self/fd' or return;
    return grep { /\A\d+\z/ } readdir $dir;
}

1;
