# A page of a Mojolicious application with some data in memory, as many of them have.
use strict;
use warnings;
use Mojolicious::Lite -signatures;

my $rows = 150_000;
my %data = map { ("key$_" => {id => $_, name => "name $_", price => $_ * 1.5}) } 1 .. $rows;

get '/' => sub ($c) {
    my @chosen = map { $data{'key' . (1 + int rand $rows)} } 1 .. 21;
    $c->stash(first => shift @chosen, rows => \@chosen);
    $c->render('index');
};
get '/hold' => sub ($c) { select undef, undef, undef, 0.4; $c->render(text => 'held') };

app->log->level('fatal');
app->secrets(['of this benchmark']);
app->mode('production');
app->start('psgi');
__DATA__
@@ index.html.ep
<html><body><h1><%= $first->{name} %></h1><table>
% for my $row (@$rows) {
<tr><td><%= $row->{id} %></td><td><%= $row->{name} %></td><td><%= $row->{price} %></td></tr>
% }
</table></body></html>
