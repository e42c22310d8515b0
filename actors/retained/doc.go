// Package retained decides who gets which retained messages. Recipients are those behind a
// target that wait for some: its actor has them say who is to get one. Pending is what a filter's
// subscription knows of when all have come.
package retained
