// Package reconnect decides when the next attempt at a connection is made.
//
// All that is tried again waits by one Backoff, whose numbers are here. Attempts are those
// at one connection that is to be there always: one that lived for a while and is lost is
// made again at once, one that breaks early or fails is made again later and later. The
// package takes the time as a value, and waits for nothing.
package reconnect
