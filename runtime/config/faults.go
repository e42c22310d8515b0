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
	// Warning: it alone does not keep a configuration from being used.
	Warning bool
}

// Error gives one line for each fault, after a line that counts them. Warnings follow.
func (f Faults) Error() string {
	var faults, warnings strings.Builder
	count, noun := 0, "faults"
	for _, fault := range f {
		if fault.Warning {
			warnings.WriteString("\n  warning: " + fault.Error())
			continue
		}
		count++
		faults.WriteString("\n  " + fault.Error())
	}
	if count == 1 {
		noun = "fault"
	}
	return fmt.Sprintf("%d %s in the configuration:%s%s", count, noun, faults.String(), warnings.String())
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
