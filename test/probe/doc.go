// Package probe has stand-ins for the actors' ports that a test scripts and
// questions: a Layer and a Broker in memory. They keep what the ports promise,
// so that a test of the actors needs no server and runs in bubble time.
package probe
