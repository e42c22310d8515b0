package stored

import "chanmqttproxy/messages"

// Step is what is to be done next about what Redis holds.
type Step byte

// The steps: there is nothing to do, or something else is under way; look whether Redis has
// lost something; write what waits.
const (
	Nothing Step = iota
	Look
	Write
)

// Writes decides when to write, or look: one thing at a time.
type Writes struct {
	*State
	known     bool // what was stored has been read
	busy      bool
	unsure    bool   // something may have been lost
	attempts  int    // that failed in a row
	changeSeq uint64 // of the newest Keep
}

// NewWrites has nothing to do before it is told what Redis holds.
func NewWrites() *Writes { return &Writes{State: New()} }

// Failed counts an attempt that failed, and returns how many there were in a row.
func (w *Writes) Failed() int {
	w.attempts++
	return w.attempts
}

// Restore takes in what Redis holds at the start.
func (w *Writes) Restore(m messages.Restored) {
	w.known, w.attempts = true, 0
	w.State.Restore(m)
}

// Keep notes changes, and the command that waits for them.
func (w *Writes) Keep(m messages.Keep) {
	w.State.Keep(m)
	w.changeSeq = max(w.changeSeq, m.ChangeSeq)
}

// ChangeSeq is that of the newest Keep.
func (w *Writes) ChangeSeq() uint64 { return w.changeSeq }

// Doubt notes that Redis may have lost something.
func (w *Writes) Doubt() { w.unsure = true }

// Next says what to do now, which is under way then.
func (w *Writes) Next() Step {
	switch {
	case w.busy:
		return Nothing
	case w.unsure && w.known:
		w.busy, w.unsure = true, false
		return Look
	case w.Waiting():
		w.busy = true
		return Write
	}
	return Nothing
}

// Over notes that what was under way is over, well or not.
func (w *Writes) Over() { w.busy = false }

// Wrote notes that a write went well.
func (w *Writes) Wrote() { w.busy, w.attempts = false, 0 }

// NotWritten takes back what could not be written, and returns how many attempts have failed in
// a row. Where Redis has answered, it may have lost something. Nothing begins before Over.
func (w *Writes) NotWritten(changes []messages.Change, receipts []messages.Receipt, answered bool) int {
	w.Again(changes, receipts)
	w.unsure = w.unsure || answered
	return w.Failed()
}

// Rewrite has what is missing in Redis come before all else, and the next thing is to write:
// that is under way now, and no longer the look which has found it.
func (w *Writes) Rewrite(missing []messages.Change) {
	w.Again(missing, nil)
	w.busy = true
}

// Unused says whether nothing is stored, or to be stored.
func (w *Writes) Unused() bool { return w.known && !w.busy && w.Len() == 0 && !w.Waiting() }
