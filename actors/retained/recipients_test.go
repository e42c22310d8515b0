package retained_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// TestRecipients: who gets a retained message, after what has come before.
func TestRecipients(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ steps, want string }{
		{"retained a 5", ""},
		{"add #:x:1 retained a 5", "x"},
		{"add #:x:1 add #:y:2 retained a 5", "x,y"},
		{"add #:x:1 add #::2 retained a 5", "all"},
		{"add b:x:1 retained a 5", ""},
		{"add #:x:1 add a:x:2 retained a 5", "x"},                             // once
		{"add #:x:3 live a 4 retained a 5", ""},                               // it would be older
		{"add #:x:3 live b 4 retained a 5", "x"},                              // another topic
		{"add #:x:3 live a 4 add #:y:4 retained a 5", "y"},                    // y came after it
		{"add #:x:6 retained a 5", ""},                                        // sent before x came
		{"add #:x:1 retained a 5 retained a 6", "x|"},                         // it has it
		{"add #:x:1 retained a 5 add #:y:5 retained a 6", "x|y"},              // y has not
		{"add #:x:1 retained a 5 other a 6", "x|x"},                           // another payload
		{"add #:x:1 complete #:1 retained a 5", ""},                           // all had come
		{"add #:x:1 add #:y:2 complete #:1 retained a 5", "y"},                // x had waited for longer
		{"add #:x:1 retained a 5 complete #:1 add #:x:5 retained a 6", "x|x"}, // anew
	} {
		s := &stats.Stats{}
		r := retained.NewRecipients(s, stats.Budget{Held: &s.WaitingBytes, Limit: 1 << 20})
		got := []string{}
		words := strings.Fields(test.steps)
		for len(words) > 0 {
			n := 2
			parts := strings.Split(words[1], ":")
			switch words[0] {
			case "add":
				at := number(parts[2])
				r.Add(messages.SendRetained{Filter: parts[0], Channel: parts[1], Revision: at, After: at})
			case "complete":
				r.Complete(parts[0], number(parts[1]))
			case "live":
				r.Live(words[1], number(words[2]))
				n = 3
			default:
				got = append(got, names(r.Deliver(&messages.Message{Topic: words[1], Payload: []byte(words[0])}, number(words[2]))))
				n = 3
			}
			words = words[n:]
		}
		if text := strings.Join(got, "|"); text != test.want {
			t.Errorf("%s: %q, want %q", test.steps, text, test.want)
		}
		r.Clear()
		if n, bytes := s.Recipients.Load(), s.WaitingBytes.Load(); n != 0 || bytes != 0 {
			t.Errorf("%s: %d left, %d bytes", test.steps, n, bytes)
		}
	}
}

func number(text string) (n uint64) {
	fmt.Sscan(text, &n)
	return n
}

func names(shares []retained.Share) string {
	var list []string
	for _, s := range shares {
		if s.To == nil {
			return "all"
		}
		list = append(list, s.To.Names...)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// TestRecipientsMemory: where memory is short the topics are forgotten, and no recipient
// gets an old message.
func TestRecipientsMemory(t *testing.T) {
	t.Parallel()
	s := &stats.Stats{}
	r := retained.NewRecipients(s, stats.Budget{Held: &s.WaitingBytes, Limit: 400})
	r.Add(messages.SendRetained{Filter: "#", Channel: "x", Revision: 1, After: 1})
	for n := range uint64(20) {
		r.Live(fmt.Sprint(n), n+2)
	}
	if got := names(r.Deliver(&messages.Message{Topic: "0"}, 50)); got != "" {
		t.Errorf("%q gets what is older", got)
	}
	if bytes := s.WaitingBytes.Load(); bytes > 1000 {
		t.Errorf("%d bytes", bytes)
	}
}
