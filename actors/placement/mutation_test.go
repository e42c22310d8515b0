package placement_test

import "testing"

// mutation breaks a rule, to see that the account finds it.
type mutation string

const (
	none         mutation = ""
	noHold       mutation = "nothing is held back"
	lapsedIsMark mutation = "a lease that ran out is a mark"
	leaveEarly   mutation = "left before all has come"
	noDrain      mutation = "left before it is handed over"
	goOn         mutation = "what comes behind the marker is delivered"
	noWait       mutation = "the next layout does not wait for the one before"
	unsaid       mutation = "the next layout does not wait for what the slots have"
	trustGrant   mutation = "old messages are left to others"
	sinceEver    mutation = "a grant counts for who came later"
	noEnd        mutation = "unsubscribed at once"
	endEarly     mutation = "ended too early"
	endUnsaid    mutation = "taken out before it has ended"
	disagree     mutation = "left before all act by the layout"
	endUnknown   mutation = "ended before all know"
	again        mutation = "what comes again of a filter that is left is delivered"
)

// Each rule is needed: without it the account does not hold. The search begins at a seed that
// has found it.
func TestAccountFindsFaults(t *testing.T) {
	t.Parallel()
	for m, from := range map[mutation]uint64{
		noHold: 0, lapsedIsMark: 3, leaveEarly: 0, noDrain: 9, goOn: 3, noWait: 0, unsaid: 6, trustGrant: 24, sinceEver: 20,
		noEnd: 20, endEarly: 45, endUnsaid: 8, endUnknown: 799, disagree: 476,
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
