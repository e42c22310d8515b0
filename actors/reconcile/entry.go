package reconcile

import (
	"slices"
	"time"
)

// Entry is what a Plan knows of one filter. Its maker sets Filter and leaves the rest
// to the Plan.
type Entry struct {
	Filter string

	order   uint64 // of their coming; 0: not asked for yet
	flight  uint64 // the latest request for it that has no answer; 0: none
	where   place
	dropped bool // nobody wants it
	known   bool // it was granted before
	here    bool // the session at the server has it
	doubt   *doubt
}

// place says in which list of the Plan an Entry stands. What a list still has of one
// that stands elsewhere is passed over.
type place byte

const (
	nowhere place = iota
	inQueue
	inGroups
	inSingles
)

// doubt is what is held against an Entry.
type doubt struct {
	chain   *chain
	strikes int  // connections that were closed on it alone
	atPeak  bool // the first of them when the session had as many filters as ever

	refused bool
	again   bool // refused, and being tried again
	kind    Kind
	code    byte
	tried   time.Time
	due     time.Time // to be tried again
	pause   time.Duration
}

// chain is a packet that failed, and what became of the filters in it.
type chain struct {
	of    *chain // the packet of which it was a part; nil: it was none
	left  int    // not decided yet
	fits  int    // the largest packet with some of them that was answered
	cause bool   // a filter was the reason, not the size
}

// Refused says whether the Entry is one that the server does not take.
func (e *Entry) Refused() bool { return e.doubt != nil && e.doubt.refused }

// Waits says whether the Entry is to be asked for.
func (e *Entry) Waits() bool { return e.where != nowhere }

// open says whether the last word on the Entry is still to come.
func (e *Entry) open() bool { return !e.dropped && (!e.Refused() || e.doubt.again) }

func (e *Entry) doubted() *doubt {
	if e.doubt == nil {
		e.doubt = &doubt{}
	}
	return e.doubt
}

// Kind says how a server refuses a filter.
type Kind byte

// The kinds of refusal.
const (
	// Accepted: it takes a filter that it had refused.
	Accepted Kind = iota
	// Answered: by a reason code of 0x80 and above.
	Answered
	// Closed: it closes the connection.
	Closed
	// Silent: it does not answer.
	Silent
	// Full: the session has as many subscriptions as the server takes.
	Full
)

var words = []string{Accepted: "accepted", Answered: "answered", Closed: "closed", Silent: "silent", Full: "full"}

// String is the word for a kind, and KindOf the kind for a word: Answered where it is none
// that is known.
func (k Kind) String() string { return words[k] }

// KindOf is the opposite of String.
func KindOf(word string) Kind {
	if i := slices.Index(words, word); i > 0 {
		return Kind(i)
	}
	return Answered
}

// costly says whether another try may cost the connection.
func (k Kind) costly() bool { return k == Closed || k == Full }

// Result is what the Plan has found out of an Entry.
type Result struct {
	Entry *Entry
	Kind  Kind
	Code  byte // the server's, where Kind is Answered
	Limit int  // how many subscriptions the session takes, where Kind is Full
	New   bool // it was another before
}

// Request is one SUBSCRIBE.
type Request struct {
	ID      uint64
	Entries []*Entry
}

// Step is what to do now.
type Step struct {
	Send    []Request
	Results []Result
	// Wake is when Next is to be called again, if nothing happens before; zero: never.
	Wake time.Time
}
