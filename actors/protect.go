package actors

import (
	"fmt"
	"runtime/debug"
)

// panicked is a panic that protect caught.
type panicked struct{ value any }

// Error says what the panic was.
func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// protect does work and turns a panic into an error: in a goroutine, where the
// panic would end the process, and in a loop over several messages, where it
// would cost the others.
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
