package actors

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
