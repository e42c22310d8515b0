package main

import (
	"fmt"
	"os"
	"testing"
)

// bench stands for the test that the kit's servers belong to.
type bench struct {
	testing.TB
	cleanups []func()
}

type failure struct{ error }

func (b *bench) Helper()          {}
func (b *bench) Failed() bool     { return false }
func (b *bench) Cleanup(f func()) { b.cleanups = append(b.cleanups, f) }
func (b *bench) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
func (b *bench) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (b *bench) Skipf(format string, args ...any)  { b.Fatalf(format, args...) }

func (b *bench) end() {
	for i := range b.cleanups {
		b.cleanups[len(b.cleanups)-1-i]()
	}
}

// TempDir is a folder of its own, until the end.
func (b *bench) TempDir() string {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		b.Fatalf("making a folder: %v", err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// withKit measures with servers of the test kit, which end with it.
func withKit(measure func(t *bench) (map[string]float64, error)) (figures map[string]float64, err error) {
	t := &bench{}
	defer t.end()
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = failed
		}
	}()
	return measure(t)
}
