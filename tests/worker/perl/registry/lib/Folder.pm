# A folder of CGI programs, and a small PSGI server in the same process that asks them.
package Folder;
use strict;
use warnings;
BEGIN { *CORE::GLOBAL::exit = sub { die bless \(my $code = $_[0] // 0), 'Mpsup::Exit' } } # as the server has it
use Cwd ();
use Exporter 'import';
use File::Path ();
use File::Temp ();
use Mpsup::Registry;

our @EXPORT_OK = qw(folder app ask ask_for post errors captured body_of);
my $errors = '';

# A new folder with programs, given as path => text.
sub folder {
    my %files = @_;
    my $dir = File::Temp::tempdir(CLEANUP => 1);
    put("$dir/$_", $files{$_}) for sort keys %files;
    return Cwd::abs_path($dir);
}

sub put {
    my ($path, $text, $mode) = @_;
    File::Path::make_path($path =~ s{/[^/]*\z}{}r);
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $text;
    close $file or die $!;
    chmod $mode // ($text =~ /\A#!/ ? 0755 : 0644), $path or die $!;
    return;
}

sub app { return Mpsup::Registry->new(@_)->to_app }

# What STDERR gets while a block runs.
sub captured(&) {
    my ($code) = @_;
    open my $kept, '>&', \*STDERR or die $!;
    my $file = File::Temp->new;
    open STDERR, '>', $file->filename or die $!;
    my $ok = eval { $code->(); 1 };
    my $error = $@;
    open STDERR, '>&', $kept or die $!;
    open my $again, '<', $file->filename or die $!;
    my $text = join '', <$again>;
    die $error unless $ok;
    return $text;
}

sub errors { my $text = $errors; $errors = ''; return $text }

sub ask { my ($app, $url, %more) = @_; return ask_for($app, 'GET', $url, undef, %more) }
sub post { my ($app, $url, $body, %more) = @_; return ask_for($app, 'POST', $url, $body, %more) }

# One request: {status, headers (pairs), head (first of each, by lower case name), body}.
sub ask_for {
    my ($app, $method, $url, $body, %more) = @_;
    my ($path, $query) = $url =~ /\A([^?]*)(?:\?(.*))?\z/s;
    my $input = make_input($body // '', delete $more{input});
    open my $log, '>>', \$errors or die $!;
    my $give_up = delete $more{give_up_after};
    my %env = (
        REQUEST_METHOD => $method, SCRIPT_NAME => '', PATH_INFO => $path =~ s/%([0-9A-F]{2})/chr hex $1/gier,
        QUERY_STRING => $query // '', REQUEST_URI => $url, SERVER_NAME => 'localhost', SERVER_PORT => 80,
        SERVER_PROTOCOL => 'HTTP/1.1', REMOTE_ADDR => '127.0.0.1', HTTP_HOST => 'localhost',
        'psgi.version' => [1, 1], 'psgi.url_scheme' => 'http', 'psgi.input' => $input, 'psgi.errors' => $log,
        'psgi.multithread' => 0, 'psgi.multiprocess' => 1, 'psgi.run_once' => 0, 'psgi.nonblocking' => 0, 'psgi.streaming' => 1,
        (defined $body ? (CONTENT_LENGTH => length $body, CONTENT_TYPE => 'application/x-www-form-urlencoded') : ()), %more,
    );
    return play($app->(\%env), $give_up);
}

sub make_input {
    my ($body, $kind) = @_;
    if (($kind // '') eq 'file') {
        my $file = File::Temp->new;
        print {$file} $body;
        seek $file, 0, 0;
        return $file;
    }
    open my $handle, '<', \$body or die $!;
    return bless $handle, 'IO::File';
}

sub play {
    my ($response, $give_up) = @_;
    my $reply;
    my $take = sub {
        my ($got) = @_;
        my @fields = @{ $got->[1] };
        $reply = {status => $got->[0], headers => [@fields], body => '', raw => $got->[2]};
        while (my ($name, $value) = splice @fields, 0, 2) { $reply->{head}{ lc $name } //= $value }
        return bless {reply => $reply, left => $give_up}, 'Folder::Writer' if @$got == 2;
        $reply->{body} = body_of($got->[2]);
    };
    ref $response eq 'CODE' ? $response->($take) : $take->($response);
    return $reply;
}

sub body_of {
    my ($body) = @_;
    return join '', @$body if ref $body eq 'ARRAY';
    my $text = '';
    local $/ = \65536;
    while (defined(my $piece = $body->getline)) { $text .= $piece }
    return $text;
}

package Folder::Writer;

sub write {
    my ($self, $piece) = @_;
    $self->{reply}{body} .= $piece;
    $self->{reply}{pieces}++;
    return !defined $self->{left} || --$self->{left} > 0;
}

sub close { my ($self) = @_; $self->{reply}{closed} = 1; return }

1;
