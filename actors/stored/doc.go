// Package stored decides what Redis is to hold of the subscriptions of a session slot, what of
// that is still to be written, and at which targets nobody listens any more. It knows neither
// actors nor time: it takes values, and returns them.
package stored
