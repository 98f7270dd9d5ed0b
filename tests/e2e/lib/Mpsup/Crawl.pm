# A crawler: follows every link of a site as a browser would, in HTML, style sheets and fields.
package Mpsup::Crawl;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Exporter    qw(import);
use HTML::Parser;
use Mpsup::Test qw(connect_to);
use URI;

our @EXPORT_OK = qw(crawl fetch same_form);

my %link_attribute = map { $_ => 1 } qw(href src action formaction poster cite background longdesc manifest data);

# One request over a connection that is kept: {status, headers, body}.
my %connections;

sub fetch {
    my ($authority, $path, %options) = @_;
    my $method = $options{method} // 'GET';
    my $head   = "$method $path HTTP/1.1\r\nHost: $authority\r\n";
    $head .= "$_: $options{headers}{$_}\r\n" for sort keys %{ $options{headers} // {} };
    $head .= 'Content-Length: ' . length($options{body}) . "\r\n" if defined $options{body};
    for (1 .. 2) { # one that was kept may have ended
        my $connection = $connections{"$$ $authority"} //= do { my ($ip, $port) = split /:/, $authority; {socket => connect_to($port, $ip), buffer => ''} };
        local $SIG{PIPE} = 'IGNORE';
        syswrite $connection->{socket}, "$head\r\n" . ($options{body} // '');
        my $reply = Mpsup::Test::read_reply($connection->{socket}, $method, \$connection->{buffer});
        delete $connections{"$$ $authority"} if !$reply or ($reply->{headers}{connection} // '') =~ /close/i;
        return $reply if $reply;
    }
    die "no answer to $path of $authority\n";
}

# Links

sub css_with {
    my ($css, $link) = @_;
    return $css =~ s{(\burl\(\s*["']?|\@import\s+["'])([^"')\s]+)}{$1 . $link->($2)}ger;
}

# The value of an attribute with each reference as $link makes it.
sub value_with {
    my ($tag, $name, $attributes, $link) = @_;
    my $value = $attributes->{$name};
    # What sends something is not followed.
    return $link->($value, 'only seen') if $name =~ /\A(?:form)?action\z/ and lc($attributes->{method} // 'get') ne 'get' or $name eq 'ping';
    return join ', ', map { /\A\s*(\S+)(.*)\z/s ? $link->($1) . $2 : $_ } split /,(?=\s)/, $value if $name =~ /\A(?:image)?srcset\z/;
    return css_with($value, $link) if $name eq 'style';
    return $value =~ s{(url=)(\S+)}{$1 . $link->($2)}ier if $name eq 'content' and lc($attributes->{'http-equiv'} // '') eq 'refresh';
    return $link_attribute{$name} && ($name ne 'data' || $tag eq 'object') ? $link->($value) : $value;
}

# A page as its tokens, so that how a link is written makes no difference.
sub html_with {
    my ($html, $link) = @_;
    my ($text, $in_style) = ('');
    my $start = sub {
        my ($tag, $attributes) = @_;
        $in_style = $tag eq 'style';
        $text .= "<$tag" . join('', map { qq{ $_="} . value_with($tag, $_, $attributes, $link) . '"' } sort grep { $_ ne '/' } keys %$attributes) . '>';
    };
    my $parser = HTML::Parser->new(
        api_version => 3,
        start_h     => [$start, 'tagname, attr'],
        end_h       => [sub { $text .= "</$_[0]>"; $in_style = 0 }, 'tagname'],
        default_h   => [sub { $text .= $in_style ? css_with($_[0], $link) : $_[0] }, 'text'],
    );
    $parser->parse($html);
    $parser->eof;
    return $text;
}

my %link_field = (location => 1, 'content-location' => 1, link => qr/(<)([^>]+)/, refresh => qr/(url=)(\S+)/i);

# What a reply says, with the links of the site as paths; each of them is given to $found.
sub same_form {
    my ($reply, $url, $is_ours, $found) = @_;
    my $link = sub {
        my ($reference, $only_seen) = @_;
        return $reference if $reference eq '' or $reference =~ /\A#/;
        my $target = URI->new_abs($reference, $url);
        return $reference if ($target->scheme // '') !~ /\Ahttps?\z/ or !$is_ours->($target->host_port);
        $found->($target) unless $only_seen;
        return $target->path_query . (defined $target->fragment ? '#' . $target->fragment : '');
    };
    my $type   = $reply->{headers}{'content-type'} // '';
    my $body   = $reply->{body};
    my $fields = join '', map {
        my ($value, $how) = ($reply->{headers}{$_}, $link_field{$_});
        !defined $value ? '' : "$_: " . (ref $how ? $value =~ s/$how/$1 . $link->($2)/ger : $link->($value)) . "\n"
    } sort keys %link_field;
    $body = html_with($body, $link) if $type =~ m{\A(?:text/html|application/xhtml\+xml)};
    $body = css_with($body, $link)  if $type =~ m{\Atext/css};
    $body =~ s{https?://([0-9.]+:[0-9]+)}{$is_ours->($1) ? '' : "http://$1"}ge if $type =~ m{\Atext/|xml\b}; # feeds and the like
    return "$reply->{status} $type\n$fields\n$body";
}

# Everything that links lead to from the start on: path => "status type digest". `servers`: the public host:port of each,
# that with the start page first. `unlike`: paths whose contents may differ. `from`: path => the page that it was found on.
sub crawl {
    my (%site) = @_;
    my %ours   = map { $_ => 1 } @{ $site{servers} };
    my @waiting = map { URI->new("http://$site{servers}[0]$_") } @{ $site{start} };
    my (%seen, %said, %from);
    while (my $url = shift @waiting) {
        my $path = $url->path_query;
        my $server = $url->host_port;
        next if $seen{"$server$path"}++;
        die "more than $site{max} pages\n" if keys %said > $site{max};
        my $reply = fetch($server, $path);
        ++$site{asked}{$server} if $site{asked};
        my $text = same_form($reply, "http://$server$path", sub { $ours{ $_[0] } }, sub {
            my $target = $_[0]->clone;
            $target->fragment(undef);
            $from{ $target->path_query } //= $path;
            push @waiting, $target;
        });
        $text = '' if $site{unlike} and $path =~ $site{unlike};
        my $is_said = "$reply->{status} " . ($reply->{headers}{'content-type'} // 'none') . ' ' . sha256_hex($text);
        die "$path is one thing at one server and another at the other\n" if ($said{$path} //= $is_said) ne $is_said;
        $site{keep}{$path} = $text if $site{keep};
    }
    return (\%said, \%from);
}

1;
