package placement_test

import (
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// moved is a filter that three slots give to another than one does.
const moved = "q/#"

// registry enters subscriptions of moved, and layouts over so many slots, into a View.
func registry(v *placement.View, number uint64, stored []messages.Stored, sessions ...int) placement.Changed {
	var epochs []messages.Epoch
	for i, n := range sessions {
		epochs = append(epochs, messages.Epoch{Number: uint64(i + 1), Sessions: n})
	}
	for i := range stored {
		stored[i].Filter, stored[i].Number = moved, number
	}
	return v.Apply(messages.Page{Table: messages.RegistryTable, At: messages.Position{Life: "1", Number: number}, Epochs: epochs, Stored: stored}, 0)
}

// says enters what a slot says of itself into a View.
func says(v *placement.View, slot int, number uint64, s messages.SlotStatus) placement.Changed {
	return v.Apply(messages.Page{Table: slot, At: messages.Position{Life: "1", Number: number}, Status: s}, 0)
}

// has enters what a slot says of itself and of a filter into a View.
func has(v *placement.View, slot int, number uint64, s messages.SlotStatus, f messages.FilterStatus) placement.Changed {
	return v.Apply(messages.Page{Table: slot, At: messages.Position{Life: "1", Number: number}, Status: s, Filters: []messages.FilterStatus{f}}, 0)
}

// written are the status and the filter that the slot has written last.
func written(e placement.Effects) (status messages.SlotStatus, filter messages.FilterStatus) {
	for _, c := range e.Write {
		if c.Status != nil {
			status = *c.Status
		}
		if c.Filter != nil {
			filter = *c.Filter
		}
	}
	return status, filter
}

// A slot that gets a filter has not handed over what comes of it to a pair that ends, though
// it has said so by the layout before: the pair is not taken out until it says so again.
func TestEndsByNewestLayout(t *testing.T) {
	t.Parallel()
	v := &placement.View{}
	registry(v, 2, []messages.Stored{{Target: target("b"), Ending: true}}, 3)
	s := placement.NewSlot(0, v)
	s.Changed(placement.Changed{Layout: true})
	before, _ := written(s.Connected())
	if before.Ended < 2 {
		t.Fatalf("a slot without the filter says %+v", before)
	}
	says(v, 0, 1, before)
	says(v, 1, 1, before)
	c := registry(v, 3, nil, 3, 1)
	for slot := 1; slot < 3; slot++ {
		says(v, slot, 2, messages.SlotStatus{Epoch: 2, Change: 3, Ended: 3})
	}
	if changes := placement.NewCommands(v).Tidy(c); len(changes) > 0 {
		t.Errorf("taken out before slot 0 acts by the newest layout: %+v", changes)
	}
	e := s.Changed(c)
	if now, _ := written(e); now.Epoch != 2 || now.Ended >= 2 || len(e.Hold) != 1 || len(e.End) > 0 {
		t.Errorf("slot 0 says %+v, holds %v, ends %v", now, e.Hold, e.End)
	}
}

// A former owner delivers nothing to a target that the owner has from the beginning, whatever
// the broker answers it.
func TestFormerOwnerAnswersNothing(t *testing.T) {
	t.Parallel()
	v := &placement.View{}
	c := registry(v, 2, []messages.Stored{{Target: target("a")}}, 3)
	owner := topic.Slot(moved, 3)
	s := placement.NewSlot(owner, v)
	s.Changed(c)
	s.Connected()
	granted := messages.FilterStatus{Filter: moved, Number: 2, Granted: true}
	if _, said := written(s.Answered(granted)); said != granted {
		t.Fatalf("the owner says %+v", said)
	}
	s.Changed(registry(v, 3, nil, 3, 1))
	s.Changed(registry(v, 4, []messages.Stored{{Target: target("b")}}, 3, 1))
	granted.Number = 4
	if e := s.Answered(granted); len(e.Write) > 0 {
		t.Errorf("a former owner writes %+v", e.Write)
	}
	if got := s.Subscribers(moved); len(got) != 1 || got[0].Target.Name != "a" {
		t.Errorf("a former owner delivers to %v", got)
	}
}

// What has come for a pair that ends is handed over when no other slot leaves messages to it
// any more.
func TestEndsWhenAllKnow(t *testing.T) {
	t.Parallel()
	v := &placement.View{}
	owner := topic.Slot(moved, 3)
	c := registry(v, 2, []messages.Stored{{Target: target("a")}, {Target: target("b"), Ending: true}}, 3)
	s := placement.NewSlot(owner, v)
	s.Changed(c)
	s.Connected()
	for slot := range owner {
		if e := s.Changed(says(v, slot, 1, messages.SlotStatus{Epoch: 1, Change: 1})); len(e.End) > 0 {
			t.Errorf("ends %v, and slot %d does not know of it", e.End, slot)
		}
	}
	var ends []placement.Item
	for slot := range owner {
		c = says(v, slot, 2, messages.SlotStatus{Epoch: 1, Change: 2})
		ends = append(ends, s.Changed(c).End...)
	}
	if len(ends) != 1 {
		t.Errorf("all know of the end, and %v end", ends)
	}
}

// A subscribe is answered when every slot acts by the newest layout: until then one may deliver
// by the layout before.
func TestAnswersWhenAllKnowTheLayout(t *testing.T) {
	t.Parallel()
	v := &placement.View{}
	registry(v, 2, []messages.Stored{{Target: target("a")}}, 2, 1)
	v.Apply(messages.Page{
		Table: 0, At: messages.Position{Life: "1", Number: 1}, Status: messages.SlotStatus{Epoch: 2},
		Filters: []messages.FilterStatus{{Filter: moved, Number: 2, Granted: true}},
	}, 0)
	says(v, 1, 1, messages.SlotStatus{Epoch: 1})
	if _, ok := v.Answer(moved, messages.Options{}, 2); ok {
		t.Error("answered, and slot 1 acts by the layout before")
	}
	says(v, 1, 2, messages.SlotStatus{Epoch: 2})
	if _, ok := v.Answer(moved, messages.Options{}, 2); !ok {
		t.Error("not answered, and all act by the newest layout")
	}
}

// A slot that reads late does not see who came and went meanwhile. What it answers is an answer
// to who stays all the same.
func TestAnswerToWhoStays(t *testing.T) {
	t.Parallel()
	stays := placement.Item{Wire: moved, Target: target("a")}
	early, late := &placement.View{}, &placement.View{}
	for _, v := range []*placement.View{early, late} {
		registry(v, 2, []messages.Stored{{Target: stays.Target}}, 1)
	}
	registry(early, 3, []messages.Stored{{Target: target("b")}}, 1)
	has(early, 0, 1, messages.SlotStatus{Epoch: 1}, messages.FilterStatus{Filter: moved, Number: late.Asked(moved), Granted: true})
	if _, ok := early.Answer(moved, messages.Options{}, early.AskedBy(stays)); !ok {
		t.Errorf("no answer to %d: the slot answers up to %d", early.AskedBy(stays), late.Asked(moved))
	}
}
