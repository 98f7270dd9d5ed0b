# Where the servers of a site are, for applications that make links to them.
package Mpsup::Links;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(static_url dynamic_url url_for);

# As the worker was told; an application may change %ENV later.
my ($static, $dynamic) = @ENV{qw(MPSUP_STATIC_URL MPSUP_DYNAMIC_URL)};
my @servers = servers_of($ENV{MPSUP_LINKS}); # [beginning of a path, URL], the longest first

sub static_url  { return ($static  // '') . $_[0] }
sub dynamic_url { return ($dynamic // '') . $_[0] }

sub url_for {
    my ($target) = @_;
    my ($raw, $rest) = $target =~ m{\A(/[^?#]*)(.*)\z}s or return $target;
    $raw =~ tr{\\\t\r\n}{/}d; # as browsers read it (worker/links/url_reference)
    return $target if $raw =~ m{\A//} || "$raw$rest" =~ m{[\0-\x08\x0b\x0c\x0e-\x1f]};
    $raw = without_dot_segments($raw);
    my $path = decoded($raw) // return $target;
    for my $server (@servers) {
        my ($beginning, $url) = @$server;
        next unless index($path, $beginning) == 0;
        my $is_whole = $beginning =~ m{/\z} || length $path == length $beginning || substr($path, length $beginning, 1) eq '/';
        return $url . $raw . $rest if $is_whole;
    }
    return $target;
}

# RFC 3986 section 5.2.4, where "%2e" is a dot as well.
sub without_dot_segments {
    my ($path) = @_;
    my (@kept, $is_folder);
    for my $segment (split m{/}, substr($path, 1), -1) {
        my $dots = $segment =~ s/%2e/./gir;
        $is_folder = $dots eq '.' || $dots eq '..';
        pop @kept if $dots eq '..';
        push @kept, $segment unless $is_folder;
    }
    push @kept, '' if $is_folder;
    return '/' . join '/', @kept;
}

# As the servers decode it (worker/http/percent, decode_file_path); nothing for what they would refuse, which belongs to nobody.
sub decoded {
    my ($path) = @_;
    return if $path =~ m{%(?![0-9A-F]{2})|%(?:00|2F|5C)}i;
    return $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
}

# "http://a:8081 / http://a:8080 /static/ /img/": each URL is followed by its paths. Sorting is stable.
sub servers_of {
    my ($text) = @_;
    my (@found, $url);
    for my $word (split ' ', $text // '') {
        if   ($word =~ m{\A/}) { push @found, [$word, $url] }
        else                   { $url = $word }
    }
    return sort { length $b->[0] <=> length $a->[0] } @found;
}

1;

__END__

=head1 NAME

Mpsup::Links - links from one server of a site to another

=head1 SYNOPSIS

    use Mpsup::Links qw(static_url dynamic_url url_for);

    static_url('/static/shop.css')   # http://127.0.0.1:8080/static/shop.css
    dynamic_url('/cart?item=7')      # http://127.0.0.1:8081/cart?item=7
    url_for('/static/shop.css')      # by the `serves` of the workers

=head1 DESCRIPTION

Where files and pages come from servers of their own, a link without a host leads to the server that the page came from. With
C<links: rewrite> or C<links: redirect> in the topology mpsup takes care of that; with C<links: off> the application does, by
these functions. There is nothing to be installed for an application that mpsup runs: the module is there already. Programs that
run by themselves (CGI in mode C<exec>) and C<plackup> find it in the folder of Plack::Handler::Mpsup.

What is known was told to the worker when it was started; a change of addresses starts it anew. PSGI applications have the
first two as C<mpsup.url.static> and C<mpsup.url.dynamic> in their environment, and CGI programs as C<MPSUP_STATIC_URL> and
C<MPSUP_DYNAMIC_URL>.

=head1 FUNCTIONS

Nothing is exported unless it is asked for. Each takes a path that begins with a slash, escaped as in a URL, maybe with a
query and a fragment.

=over

=item static_url($path)

With the URL of the first static worker before it; of the accelerator where there is no static worker. Without either, or outside
of mpsup, the path as it is.

=item dynamic_url($path)

The same of the first dynamic worker.

=item url_for($path)

With the URL of the server that has the path: the one with the longest beginning of it in C<serves>, else the dynamic one.
Segments C<.> and C<..> are taken out first, as browsers do. Behind an accelerator, where all paths are of one server, the path as
it is; and so is whatever does not begin with one slash, and a path that no server would decode (C<%2F>, C<%5C>, C<%00>, a C<%>
that is no escape).

=back

=cut
