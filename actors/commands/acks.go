package commands

import (
	"time"

	"chanmqttproxy/messages"
)

// A busy worker tells Redis of many commands at once: what is done waits for others of a
// run, if there are any under way, but no longer than AckWait.
const (
	ackRun  = 128
	AckWait = 5 * time.Millisecond
)

// Acks are the commands that were taken from the layer, until Redis knows that they are done.
// It is told by one round at a time.
type Acks struct {
	underWay Load
	done     []messages.Receipt
	letters  []messages.DeadLetter
	writing  bool // a round is under way, or is to be tried again
	soon     bool // a round begins in a moment
	round    Load // of it
	failed   int  // rounds in a row
}

// Round is what Redis is told at a time: which commands it may forget, and which go to the
// dead letters. Afterwards it is what could not be told.
type Round struct {
	Receipts    []messages.Receipt
	DeadLetters []messages.DeadLetter
}

// load is that of the commands that a round is about.
func (r Round) load() (l Load) {
	for _, receipt := range r.Receipts {
		l.add(receipt)
	}
	for _, b := range r.DeadLetters {
		l.add(b.Receipt)
	}
	return l
}

// Ack says when Redis is to be told.
type Ack byte

// A round begins now, or is to begin AckWait later, or neither: there is nothing to tell, or
// one begins anyway.
const (
	AckNothing Ack = iota
	AckNow
	AckSoon
)

// UnderWay is what the commands weigh of which Redis does not know that they are done.
func (a *Acks) UnderWay() Load { return a.underWay }

// Fetched notes what was taken, and returns what it weighs.
func (a *Acks) Fetched(list []messages.Received) Load {
	before := a.underWay
	for _, r := range list {
		a.underWay.add(r.Receipt)
	}
	return a.underWay.less(before)
}

// Done notes a command of which nothing is left to be done.
func (a *Acks) Done(receipt messages.Receipt) { a.done = append(a.done, receipt) }

// DeadLetter notes one that is to go to the dead letters.
func (a *Acks) DeadLetter(l messages.DeadLetter) { a.letters = append(a.letters, l) }

// unwritten is of how many commands Redis is to be told.
func (a *Acks) unwritten() int { return len(a.done) + len(a.letters) }

// Next says when to tell Redis what is done: now where there is a run of it, or nothing else
// under way, or somebody waits for it; else in a moment.
func (a *Acks) Next(hurry bool) Ack {
	n := a.unwritten()
	switch {
	case a.writing || n == 0:
		return AckNothing
	case hurry || n >= min(ackRun, a.underWay.Commands):
		return AckNow
	case a.soon:
		return AckNothing
	}
	a.soon = true
	return AckSoon
}

// Due notes that AckWait is over.
func (a *Acks) Due() { a.soon = false }

// Begin hands out the next round, unless there is nothing to tell, or one is under way.
func (a *Acks) Begin() (Round, bool) {
	if a.writing || a.unwritten() == 0 {
		return Round{}, false
	}
	r := Round{a.done, a.letters}
	a.done, a.letters, a.writing, a.round = nil, nil, true, r.load()
	return r, true
}

// Ended takes in what a round has left, and returns what the commands weigh that are gone.
// After a failure it says how many there were in a row: no round begins before Again.
func (a *Acks) Ended(left Round, failed bool) (gone Load, failures int) {
	gone = a.round.less(left.load())
	a.underWay = a.underWay.less(gone)
	a.done = append(left.Receipts, a.done...)
	a.letters = append(left.DeadLetters, a.letters...)
	if !failed {
		a.writing, a.failed = false, 0
		return gone, 0
	}
	a.failed++
	return gone, a.failed
}

// Again lets rounds begin again after one that failed.
func (a *Acks) Again() { a.writing = false }

// Idle says whether Redis knows all that is done, and no further commands are under way than
// those that stay for the next worker.
func (a *Acks) Idle(stay int) bool {
	return a.underWay.Commands == stay && a.unwritten() == 0 && !a.writing
}
