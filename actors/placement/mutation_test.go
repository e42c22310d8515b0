package placement_test

import "testing"

// mutation breaks a rule, to see that the account finds it.
type mutation string

const (
	none                mutation = ""
	noHold              mutation = "nothing is held back"
	lapsedIsMark        mutation = "a lease that ran out is a mark"
	leaveEarly          mutation = "left before UNSUBACK"
	noDrain             mutation = "left before it is handed over"
	noWait              mutation = "the next layout does not wait for the one before"
	unsaid              mutation = "the next layout does not wait for what the slots have"
	trustGrant          mutation = "old messages are left to others"
	sinceEver           mutation = "a grant counts for who came later"
	noEnd               mutation = "unsubscribed at once"
	endEarly            mutation = "ended too early"
	endUnsaid           mutation = "taken out before it has ended"
	disagree            mutation = "left before all act by the layout"
	deliverResubscribed mutation = "what comes of a filter that is subscribed once more is delivered"
)

// Each rule is needed: without it the account does not hold. The search begins at a seed that
// has found it.
func TestAccountFindsFaults(t *testing.T) {
	t.Parallel()
	for m, from := range map[mutation]uint64{
		noHold: 1, lapsedIsMark: 1, leaveEarly: 0, noDrain: 2, noWait: 0, unsaid: 6, trustGrant: 13, sinceEver: 175,
		noEnd: 48, endEarly: 299, endUnsaid: 362, disagree: 5676, deliverResubscribed: 136,
	} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			for seed := from; seed < from+3000; seed++ {
				if w := history(t, seed, m); len(w.faulty) > 0 {
					t.Logf("found by seed %d: %v", seed, w.faulty)
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
