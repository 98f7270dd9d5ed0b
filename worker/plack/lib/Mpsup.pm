# For applications that say "use Mpsup" where no mpsup runs them: under plackup. In a worker of mpsup the package is there
# from the start, and this file is not read.
package Mpsup;
use strict;
use warnings;

require Plack::Handler::Mpsup;
Plack::Handler::Mpsup::prepare(); # brings the package's functions along

1;
