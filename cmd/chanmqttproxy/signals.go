package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"chanmqttproxy/runtime/logs"
)

// hurriedFlush is how long the last line of a second signal may take to be written.
const hurriedFlush = 100 * time.Millisecond

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The
// second one ends the process at once, whether standard error is read or not.
func untilSignal(stderr *logs.Queue) context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		fmt.Fprintf(stderr, "chanmqttproxy: %v: stopped at once\n", <-signals)
		stderr.Close(hurriedFlush)
		os.Exit(exitFailed)
	}()
	return ctx
}
