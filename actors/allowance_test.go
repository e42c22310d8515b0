package actors_test

import (
	"context"
	"testing"
	"testing/synctest"

	"chanmqttproxy/actors"
)

// TestAllowance: no more is taken than there is, in the order of asking, a small one at
// once, and what was given up stands in nobody's way.
func TestAllowance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a actors.Allowance
		var order []string
		ask := func(ctx context.Context, name string, bytes int64) func() {
			granted := make(chan func(), 1)
			go func() {
				giveBack := a.Take(ctx, bytes)
				order = append(order, name)
				granted <- giveBack
			}()
			synctest.Wait()
			return func() { (<-granted)() }
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := ask(t.Context(), "half", actors.EncodedBytes/2)
		whole := ask(t.Context(), "more than all", 3*actors.EncodedBytes)
		gone := ask(ctx, "given up", actors.EncodedBytes)
		last := ask(t.Context(), "behind it", actors.EncodedBytes/4)
		ask(t.Context(), "small", actors.SmallBatch)()
		cancel()
		synctest.Wait()
		gone()
		for _, giveBack := range []func(){first, whole, last} {
			giveBack()
			synctest.Wait()
		}
		want := []string{"half", "small", "given up", "more than all", "behind it"}
		for i, name := range want {
			if i >= len(order) || order[i] != name {
				t.Fatalf("granted %q, want %q", order, want)
			}
		}
		if taken, waiting := a.Left(); taken != 0 || waiting != 0 {
			t.Errorf("%d bytes are taken, %d wait", taken, waiting)
		}
	})
}
