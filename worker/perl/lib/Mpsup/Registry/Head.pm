# The head of what a CGI program prints: fields up to an empty line, or with nph- a whole HTTP head.
package Mpsup::Registry::Head;
use strict;
use warnings;

our $LIMIT = 65536;

# Bytes of the head at the start of a text, with its empty line; nothing while that has not come.
sub length_in {
    my ($text) = @_;
    return $text =~ /(?:\A|\n)\r?\n/ ? $+[0] : undef;
}

# A head as {status, fields, location}, or why it is none. status is undefined when the program left it open.
sub parse {
    my ($text) = @_;
    my ($status, @fields);
    $status = $1 if $text =~ s{\AHTTP/[0-9.]+[ ]+(\d{3})[^\n]*\n}{};
    $text =~ s/\r?\n[ \t]+/ /g; # a field that goes on in the next line
    for my $line (split /\r?\n/, $text) {
        my ($name, $value) = $line =~ /\A([A-Za-z0-9!#\$%&'*+.^_`|~-]+):[ \t]*(.*?)[ \t]*\z/
            or return "malformed header line \"" . printable($line) . '"';
        if (lc $name ne 'status') { push @fields, $name, $value }
        elsif ($value =~ /\A([1-9]\d\d)\b/) { $status = $1 }
        else { return 'malformed Status: ' . printable($value) }
    }
    my $head = {status => $status, fields => \@fields, location => scalar value_of(\@fields, 'location')};
    return 'no header in what the script printed'
        unless defined $status or defined $head->{location} or defined value_of(\@fields, 'content-type');
    return $head;
}

# Status and fields as PSGI wants them.
sub for_psgi {
    my ($head) = @_;
    my $status = $head->{status} // (defined $head->{location} ? 302 : 200);
    my @fields = @{ $head->{fields} };
    @fields = without(\@fields, qr/\Acontent-(?:type|length)\z/i) if $status == 204 or $status == 304;
    return ($status, [without(\@fields, qr/\A(?:connection|keep-alive|transfer-encoding)\z/i)]);
}

sub value_of {
    my ($fields, $wanted) = @_;
    for (my $i = 0; $i < @$fields; $i += 2) {
        return $fields->[$i + 1] if lc $fields->[$i] eq $wanted;
    }
    return;
}

sub without {
    my ($fields, $unwanted) = @_;
    return map { ($fields->[$_ * 2], $fields->[$_ * 2 + 1]) } grep { $fields->[$_ * 2] !~ $unwanted } 0 .. @$fields / 2 - 1;
}

sub printable {
    my ($text) = @_;
    return substr($text, 0, 80) =~ s/[^ -~]/?/gr;
}

1;
