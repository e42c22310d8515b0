// Package logs makes the program's logger: text for people or JSON for
// machines, each component at its own level, and what repeats itself told in
// numbers. A Queue keeps those who log from waiting for those who read.
package logs
