// Package outbox holds the publishes that have not taken effect, and decides what of them
// is sent, and when.
//
// On a new connection everything is sent again, in the order of the commands. Where a
// server closes the connection on a publish, that would cost each further connection:
// a publish that was first in the outbox at several short-lived connections in a row is a
// candidate. It is tried alone, on a connection that was stable without it, while the
// others wait. If the connection is lost at once, several times, the publish is poison and
// is given up. A network that is merely bad loses connections on which the candidate was
// not sent, too: that clears it.
//
// The package takes the time as a value, and does nothing by itself.
package outbox
