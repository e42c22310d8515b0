package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The
// second one ends the process at once.
func untilSignal(out io.Writer) context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		fmt.Fprintf(out, "chanmqttproxy: %v: stopped at once\n", <-signals)
		os.Exit(exitFailed)
	}()
	return ctx
}
