package placement_test

import "testing"

// mutation breaks a rule, to see that the account finds it.
type mutation string

const (
	none         mutation = ""
	noHold       mutation = "nothing is held back"
	lapsedIsMark mutation = "a lease that ran out is a mark"
	leaveEarly   mutation = "left before UNSUBACK"
	noDrain      mutation = "left before it is handed over"
	noWait       mutation = "the next layout does not wait for the one before"
	unsaid       mutation = "the next layout does not wait for what the slots have"
	trustGrant   mutation = "old messages are left to others"
	sureAtOnce   mutation = "a grant counts at once"
	sinceEver    mutation = "a grant counts for who came later"
	noPulse      mutation = "a stop of the process goes unnoticed"
	noEnd        mutation = "unsubscribed at once"
	endEarly     mutation = "ended too early"
	endUnknown   mutation = "ended before all know"
	endUnsaid    mutation = "taken out before it has ended"
	agreeEarly   mutation = "left before all act by the layout"
)

// Each rule is needed: without it the account does not hold.
func TestAccountFindsFaults(t *testing.T) {
	t.Parallel()
	for _, m := range []mutation{
		noHold, lapsedIsMark, leaveEarly, noDrain, noWait, unsaid, trustGrant, sureAtOnce, sinceEver, noPulse, noEnd, endEarly, endUnknown, endUnsaid, agreeEarly,
	} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3000) {
				if w := history(t, seed, m); len(w.faulty) > 0 {
					t.Logf("found by seed %d: %v", seed, w.faulty)
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
