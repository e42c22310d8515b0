// Package reconcile decides which filters go into the next SUBSCRIBE, and what
// follows from an answer, from none, and from a connection that is closed on it.
//
// A server that closes on a SUBSCRIBE, or never answers it, may mean three things:
// the packet is too large, a filter is forbidden, the session is full. A Plan tells
// them apart in this order: smaller packets; then each candidate alone, as the first
// SUBSCRIBE of a connection. Nothing is refused for a closed connection before that
// was seen twice, and a connection that is lost while nothing is asked speaks for
// the network. Where an answer does not come, parts of the packet are tried on the
// same connection at the same time.
//
// What was granted before comes first on a new connection. Where the server still
// has the session, and with it those filters, the candidates do.
//
// A filter that is refused is tried again alone: in a while, when it is asked for
// anew, and when another filter has left room for it.
//
// A Plan does nothing by itself: it takes events and the time, and Next says what to
// do now and when to ask it again.
package reconcile
