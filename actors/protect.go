package actors

import (
	"fmt"
	"runtime/debug"
)

// panicked is a panic that protect caught.
type panicked struct{ value any }

// Error implements error.
func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// protect does work, and turns a panic into an error. It is for goroutines, in which a panic
// would end the process, and for loops, in which it would cost the following messages.
func (d *env) protect(doing string, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			d.Stats.Bugs.Add(1)
			d.Log.Error("a bug: please report it with this stack; the worker goes on",
				"doing", doing, "error", v, "stack", string(debug.Stack()))
			err = panicked{v}
		}
	}()
	return work()
}
