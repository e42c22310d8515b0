// Package commands decides what becomes of the commands that are taken from the layer: which
// of them the configuration denies, how many more are read and from which host, when Redis is
// told that they are done, what their senders are told, and which requests wait for their
// responses. It knows neither actors nor the time: it takes values, and returns them.
package commands
