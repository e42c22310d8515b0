package actors

import "time"

// Send puts any message into the mailbox of the actor with that path, as no
// code outside of a test can.
func (t *Tree) Send(path string, message any) {
	t.system.Root.Send(t.system.NewLocalPID(path), message)
}

// Actors are the paths of all live actors.
func (t *Tree) Actors() []string {
	var list []string
	for _, b := range t.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		list = append(list, b.Keys()...)
	}
	return list
}

// SendersWaiting has n senders come to a filter of which the broker says nothing,
// one in each interval, and returns how many are kept.
func SendersWaiting(n int, interval time.Duration) int {
	var s senders
	for range n {
		s.add(nil, sender{serial: 1})
		time.Sleep(interval)
	}
	return len(s.waiting)
}
