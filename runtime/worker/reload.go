package worker

import (
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// Reloading calls do, which ends with a Reload. It reports the reload to the service manager, if that
// knows that the worker is ready.
func (w *Worker) Reloading(do func()) {
	if !w.announced.Load() {
		do()
		return
	}
	tell := func(err error) {
		if err != nil {
			w.log.Warn("cannot report the reload to systemd: check NotifyAccess= in its unit", "error", err)
		}
	}
	tell(w.Manager.Reloading())
	do()
	tell(w.Manager.Ready())
}

// Reload applies the settings that can change without loss: the subscriptions of the file and the
// allow lists. Certificates and authorities are read at each connection anyway. It returns the
// sorted names of the other settings that differ from those of the start: they need a restart. It
// may be called at any time.
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
