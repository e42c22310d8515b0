// Command chanmqttproxy is the MQTT worker of a Django Channels site.
//
// It exits with 0 when it is done, which a stop by SIGINT or SIGTERM is too;
// with 1 when something failed, and at a second signal; with 2 for wrong usage
// or a faulty configuration.
package main

import (
	"fmt"
	"log"
	"os"

	"chanmqttproxy/runtime/logs"
)

func main() {
	stderr := logs.NewQueue(os.Stderr, logs.DefaultMemory)
	log.SetOutput(stderr) // for libraries
	ctx := untilSignal(stderr)
	err := root(ctx, stderr).ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "chanmqttproxy:", err)
	}
	stderr.Close(flushTimeout)
	os.Exit(exitCode(err))
}
