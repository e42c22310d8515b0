package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

// script is what a test has, outside of "go test".
type script struct {
	testing.TB // for the method that only package testing can write

	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

// run runs a test and its cleanups, and says whether it failed.
func run(test func(testing.TB)) (failed bool) {
	s := &script{}
	apart(func() { test(s) })
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		cleanup := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		apart(cleanup)
	}
	return s.Failed()
}

// apart runs f in a goroutine of its own, which FailNow ends.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// Helper does nothing: lines are not told.
func (s *script) Helper() {}

// Cleanup has f run at the end, the last one first.
func (s *script) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// TempDir makes a directory that is removed at the end.
func (s *script) TempDir() string {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Failed says whether anything was wrong.
func (s *script) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Fail notes that something was wrong.
func (s *script) Fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
}

// FailNow ends the goroutine as well.
func (s *script) FailNow() {
	s.Fail()
	runtime.Goexit()
}

// Log prints.
func (s *script) Log(args ...any) { fmt.Println(args...) }

// Logf prints.
func (s *script) Logf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Error is Log and Fail.
func (s *script) Error(args ...any) { s.Log(args...); s.Fail() }

// Errorf is Logf and Fail.
func (s *script) Errorf(format string, args ...any) { s.Logf(format, args...); s.Fail() }

// Fatal is Log and FailNow.
func (s *script) Fatal(args ...any) { s.Log(args...); s.FailNow() }

// Fatalf is Logf and FailNow.
func (s *script) Fatalf(format string, args ...any) { s.Logf(format, args...); s.FailNow() }

// Skipf is Fatalf: what is missing is needed here.
func (s *script) Skipf(format string, args ...any) { s.Fatalf(format, args...) }
