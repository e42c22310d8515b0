// Command chanmqttproxy is the MQTT worker of a Django Channels site.
//
// It exits with 0 when it is done, which a stop by SIGINT or SIGTERM is too;
// with 1 when something failed, and at a second signal; with 2 for wrong usage
// or a faulty configuration.
package main

import (
	"fmt"
	"os"
)

func main() {
	ctx := untilSignal(os.Stderr)
	err := root().ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chanmqttproxy:", err)
	}
	os.Exit(exitCode(err))
}
