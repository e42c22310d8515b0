package main

import (
	"log/slog"
	"os"
	"runtime/debug"

	"chanmqttproxy/runtime/gcpace"
	"chanmqttproxy/runtime/memlimit"
)

// limitMemory keeps Go's heap below nine tenths of what the container or service
// may take, unless GOMEMLIMIT says otherwise, paces its collector, unless GOGC does, and gives
// memory back after a burst.
func limitMemory(log *slog.Logger) {
	if os.Getenv("GOGC") == "" {
		gcpace.Start()
	}
	go gcpace.Release()
	limit, found := memlimit.Find(os.DirFS("/"))
	if !found || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(limit / 10 * 9)
	log.Debug("keeping within the memory of the control group", "bytes", limit)
}
