package config

import (
	"fmt"
	"strings"
)

// Faults are all that is wrong with a configuration.
type Faults []Fault

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	// Where is the name and the source of the value: "MQTT_PORT (environment)".
	Where string
	// Err says what is wrong and what to do; it never shows a secret.
	Err error
}

// Error gives one line for each fault, after a line that counts them.
func (f Faults) Error() string {
	var b strings.Builder
	noun := "faults"
	if len(f) == 1 {
		noun = "fault"
	}
	fmt.Fprintf(&b, "%d %s in the configuration:", len(f), noun)
	for _, fault := range f {
		b.WriteString("\n  " + fault.Error())
	}
	return b.String()
}

// Unwrap gives the errors of all faults to errors.Is and errors.As.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, fault := range f {
		errs[i] = fault
	}
	return errs
}

// Error is the fault on one line.
func (f Fault) Error() string { return f.Where + ": " + f.Err.Error() }

// Unwrap gives the underlying error.
func (f Fault) Unwrap() error { return f.Err }
