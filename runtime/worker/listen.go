package worker

import (
	"fmt"
	"net"
	"time"

	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/status"
)

// aliveWithin is how long the actors may take to answer a ping, behind what waits in their mailboxes.
const aliveWithin = 5 * time.Second

// Listen opens the listener for health and metrics, and returns its address. Run calls it if
// HTTP_LISTEN is set and it was not called before.
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

// serve serves health and metrics until stop is called.
func (w *Worker) serve(client layer.Client) (stop func()) {
	if w.listener == nil {
		return func() {}
	}
	log := w.logOf("http")
	server := status.New(w.listener, status.Options{
		Live:    func() error { return w.tree.Ping(aliveWithin) },
		Ready:   func() status.Readiness { return noted(w.status().readiness(), w.clients.stats(client.Stats())) },
		Metrics: w.metricSource(client).handler(),
		Pprof:   w.config.HTTP.Pprof,
		Log:     log,
	})
	leave := w.mount(server, client)
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
