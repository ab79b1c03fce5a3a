# What is sent to a datagram socket of the file system, one line a message. Node has no such sockets.
# perl receive-notices.pl SOCKET
use strict;
use Socket;
$| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, sockaddr_un($ARGV[0])) or die "bind: $!";
print "bound\n";
while (defined recv($socket, my $message, 65536, 0)) {
  $message =~ s/\n/ /g;
  print "$message\n";
}
