package worker

import (
	"fmt"
	"net"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/status"
)

// aliveWithin is how long the actors may take for a sign of life. They answer
// behind what waits in their mailboxes.
const aliveWithin = 5 * time.Second

// Listen opens the listener for health and metrics, and returns where it is. Run
// does it where HTTP_LISTEN is set and nobody has done it before.
func (w *Worker) Listen(address string) (net.Addr, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for HTTP at %s (HTTP_LISTEN): %w", address, err)
	}
	w.listener = l
	return l.Addr(), nil
}

// listen opens the configured listener, if there is none yet.
func (w *Worker) listen() error {
	if w.listener != nil || w.config.HTTP.Listen == "" {
		return nil
	}
	_, err := w.Listen(w.config.HTTP.Listen)
	return err
}

// serve answers about a tree until stop is called.
func (w *Worker) serve(tree *actors.Tree, peer layer.Peer, tell telling) (stop func()) {
	if w.listener == nil {
		return func() {}
	}
	log := w.logOf("http")
	server := status.New(w.listener, status.Options{
		Live:    func() error { return tree.Ping(aliveWithin) },
		Ready:   func() status.Readiness { return readiness(tree.Health()) },
		Metrics: tell.handler(),
		Pprof:   w.config.HTTP.Pprof,
		Log:     log,
	})
	leave := w.mount(server, tree, peer)
	go func() {
		if err := server.Serve(); err != nil {
			log.Error("health and metrics are not served any more; the worker goes on: restart it to have them back", "error", err)
		}
	}()
	log.Info("serving health and metrics", "address", server.Addr().String())
	return func() {
		leave()
		server.Close()
	}
}

// readiness says what a worker lacks to do its work.
func readiness(h actors.Health) status.Readiness {
	var reasons []string
	lack := func(missing bool, reason string) {
		if missing {
			reasons = append(reasons, reason)
		}
	}
	lack(h.Stopping, "the worker is stopping")
	lack(!h.Layer, "Redis is away")
	lack(!h.Restored, "the subscriptions are not restored")
	lack(h.Restored && !h.Broker, "the MQTT broker is away"+because(h.State.Reason))
	lack(h.Broker && !h.Subscribed, "the MQTT broker has not answered for every subscription")
	return status.Readiness{Ready: len(reasons) == 0, Reasons: reasons}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
