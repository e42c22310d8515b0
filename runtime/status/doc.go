// Package status is the worker's own HTTP listener: what watches it asks here
// whether it lives, whether it is ready, and how it does.
//
// Everybody who reaches the listener may read health and metrics. All else,
// profiles and what is mounted by Handle, is there on loopback only; what is mounted by
// HandlePublic guards itself. On loopback
// a request has to name the machine itself as its host, so that no page of the
// web can reach in by a name that it has pointed here (DNS rebinding).
package status
