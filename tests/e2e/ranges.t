# Parts of files, from a light worker and from a heavy one that has files too: large, small, and small ones out of memory.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request);
use Test::More;

my $site = new_site();
my ($docs, $perl) = (free_port(), free_port());
mkdir $site->dir . '/root';
my $large = join '', map { pack 'N', $_ } 1 .. 750_000;    # 3 MB, no part of it like another
my $small = substr $large, 0, 5_000;
$site->write('root/large.bin', $large);
$site->write('root/small.bin', $small);
my $old = time - 3600;
utime $old, $old, map { $site->dir . "/root/$_.bin" } qw(large small);
$site->write('app.psgi', 'sub { [200, [], []] }');
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$docs", root: root}
  perl: {kind: dynamic, listen: "127.0.0.1:$perl", app: app.psgi, root: root, serves: [/large.bin, /small.bin], pool: 1}
YAML

# The parts of a multipart/byteranges reply as [first, last, content].
sub parts_of {
    my ($reply) = @_;
    my ($boundary) = $reply->{headers}{'content-type'} =~ /^multipart\/byteranges; boundary=(\w+)$/ or return;
    my @parts = split /\r\n--$boundary(?:--)?\r\n/, $reply->{body}, -1;
    return unless shift(@parts) eq '' && pop(@parts) eq '';
    return map { /\A(?:[\w-]+: [^\r\n]+\r\n)*?Content-Range: bytes (\d+)-(\d+)\/\d+\r\n\r\n(.*)\z/s ? [$1, $2, $3] : [] } @parts;
}

sub ranges {
    my ($port, $path, $whole) = @_;
    my $size = length $whole;
    my $get  = sub { request($port, $path, headers => {Range => $_[0], @_[1 .. $#_]}) };
    for my $case (['bytes=0-0', 0, 1], ['bytes=10-1999', 10, 1990], ['bytes=-1', $size - 1, 1], ['bytes=100-', 100, $size - 100], ['bytes=0-', 0, $size]) {
        my ($field, $first, $count) = @$case;
        my $reply = $get->($field);
        is $reply->{status}, 206, "$field: status";
        is $reply->{headers}{'content-range'}, sprintf('bytes %d-%d/%d', $first, $first + $count - 1, $size), "$field: what it is";
        ok $reply->{body} eq substr($whole, $first, $count), "$field: content";
    }
    my $end   = $size - 1500;
    my $reply = $get->("bytes=$end-, 5-999, 2000-2000");
    is $reply->{status}, 206, 'several ranges';
    is_deeply [map { [@$_[0, 1]] } parts_of($reply)], [[$end, $size - 1], [5, 999], [2000, 2000]], 'in the order that was asked for';
    ok $_->[2] eq substr($whole, $_->[0], $_->[1] - $_->[0] + 1), "content from $_->[0] on" for parts_of($reply);
    is $get->("bytes=$size-")->{status}, 416, 'beyond the end';
    is $get->("bytes=$size-")->{headers}{'content-range'}, "bytes */$size", 'how long it is';
    is $get->('bytes=5-4')->{status}, 200, 'nonsense is ignored';
    my $tag = $get->('bytes=0-0')->{headers}{etag};
    is $get->('bytes=0-0', 'If-Range' => $tag)->{status}, 206, 'If-Range: the same state';
    is $get->('bytes=0-0', 'If-Range' => '"other"')->{status}, 200, 'another state';
    is request($port, $path)->{headers}{'accept-ranges'}, 'bytes', 'it is said that there are ranges';
    return;
}

for my $worker ([docs => $docs], [perl => $perl]) {
    my ($name, $port) = @$worker;
    subtest "$name, a large file"     => sub { ranges($port, '/large.bin', $large) };
    subtest "$name, a small file $_"  => sub { ranges($port, '/small.bin', $small) } for 1, 2;
}

done_testing;
