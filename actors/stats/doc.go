// Package stats counts what the worker does. Its counters may be written and read from
// anywhere at any time.
package stats
