package worker

import (
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// Reloading does something that ends with a Reload, and tells the service manager so, if
// it knows that the worker is at work.
func (w *Worker) Reloading(do func()) {
	if !w.announced.Load() {
		do()
		return
	}
	tell := func(err error) {
		if err != nil {
			w.log.Warn("cannot tell systemd of the reload: check NotifyAccess= in its unit", "error", err)
		}
	}
	tell(w.Manager.Reloading())
	do()
	tell(w.Manager.Ready())
}

// Reload has those settings hold that can change without loss: the subscriptions of the
// file and the allow lists. Certificates and authorities are read at each connection. It
// returns the names of the other settings that differ from those of the start, sorted:
// they need a restart. It may be called at any time.
func (w *Worker) Reload(cfg *config.Config) (restart []string) {
	rules := rulesOf(cfg)
	w.changing.Lock()
	w.rules.Store(&rules)
	if tree := w.running.Load(); tree != nil {
		tree.Reconfigure(rules)
	}
	w.changing.Unlock()
	if s := w.streaming.Load(); s != nil && len(rules.For(messages.StreamSlot).Static) > 0 {
		s.open()
	}
	return w.config.NeedRestart(cfg)
}

func rulesOf(cfg *config.Config) messages.Rules {
	return messages.Rules{AllowSubscribe: cfg.AllowSubscribe, AllowPublish: cfg.AllowPublish, Static: cfg.Subscriptions}
}
