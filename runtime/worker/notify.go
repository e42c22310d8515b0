package worker

import (
	"log/slog"
	"time"

	"chanmqttproxy/runtime/systemd"
)

// statusInterval is how often changes are reported to systemd.
const statusInterval = time.Second

// notifier reports the state of the worker to systemd, until the worker has ended.
type notifier struct {
	systemd.Manager
	worker *Worker
	ended  <-chan struct{}
	log    *slog.Logger

	ready, leaving bool
	status         string
	fed            time.Time // when the watchdog was fed
}

// notify starts to notify systemd, if that started the process.
func (w *Worker) notify(ended <-chan struct{}) {
	if !w.Manager.Present() {
		return
	}
	h := &notifier{Manager: w.Manager, worker: w, ended: ended, log: w.log}
	go h.run()
}

func (h *notifier) run() {
	interval := statusInterval
	if dog := h.Watchdog(); dog > 0 {
		interval = min(interval, dog/8)
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		h.report()
		select {
		case <-h.ended:
			return
		case <-tick.C:
		}
	}
}

// report sends the service manager what has changed.
func (h *notifier) report() {
	current := h.worker.status()
	r := current.readiness()
	if status := current.text(r); status != h.status {
		h.status = status
		h.check(h.Status(status))
	}
	if r.Ready && !h.ready {
		h.ready = true
		h.check(h.Ready())
		h.worker.announced.Store(true)
	}
	if (current.Stopping || current.slots.Leaving) && !h.leaving {
		h.leaving = true
		h.check(h.Stopping())
	}
	h.feed()
}

// feed feeds the watchdog four times as often as it asks for, if every central actor answers a ping:
// systemd restarts a worker that hangs.
func (h *notifier) feed() {
	dog := h.Watchdog()
	if dog == 0 || time.Since(h.fed) < dog/4 {
		return
	}
	err := h.worker.tree.Ping(dog / 4)
	switch {
	case err == nil:
		h.fed = time.Now()
		h.check(h.Alive())
	case !h.leaving:
		h.log.Error("the worker does not answer its own check: if that lasts, systemd restarts it", "error", err)
	}
}

func (h *notifier) check(err error) {
	if err != nil {
		h.log.Warn("cannot report the worker's status to systemd: check NotifyAccess= in its unit", "error", err)
	}
}
