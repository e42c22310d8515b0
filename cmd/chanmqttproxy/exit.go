package main

import "errors"

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// failure is an error in what the program did, other than in how it was asked.
type failure struct{ error }

// Unwrap gives the underlying error.
func (f failure) Unwrap() error { return f.error }

// usageError is an error in how the program was asked that shows only while it does it.
type usageError struct{ error }

// Unwrap gives the underlying error.
func (m usageError) Unwrap() error { return m.error }

// failed marks an error as a failure, unless it is a usageError; nil stays nil.
func failed(err error) error {
	if err == nil || errors.As(err, new(usageError)) {
		return err
	}
	return failure{err}
}

// exitCode takes every error that is not a failure for one of usage: those of
// cobra and the faults of a configuration.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(failure)):
		return exitFailed
	default:
		return exitUsage
	}
}
