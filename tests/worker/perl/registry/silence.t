# A program that says nothing for a while: what it has said until then is to be seen, where the writer can do that.
use strict;
use warnings;
use Mpsup::Registry::Handles;
use Mpsup::Registry::Program;
use Test::More;

my @seen;
sub Writer::write   { push @seen, "write $_[1]"; return 1 }
sub Writer::close   { push @seen, 'close' }
sub Flushing::flush { push @seen, 'flush' }
@Flushing::ISA = ('Writer');

# Silent for two looks of a second each between its two letters.
sub run {
    my ($class) = @_;
    @seen = ();
    Mpsup::Registry::Program->start(Mpsup::Registry::Handles::nothing(), sub {
        syswrite STDOUT, 'a';
        select undef, undef, undef, 2.2;
        syswrite STDOUT, 'b';
    })->stream(bless {}, $class);
    return join ', ', @seen;
}

is run('Flushing'), 'write a, flush, flush, write b, close', 'the writer is told each second';
is run('Writer'), 'write a, write b, close', 'one that knows no flush is not';

done_testing();
