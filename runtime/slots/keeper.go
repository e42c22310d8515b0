package slots

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
)

// Leases is where session slots are leased.
type Leases interface {
	// Lease tells and asks; it may be repeated, and may hang.
	Lease(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error)
}

// Tenure is what runs for a slot while it is held. Its methods return at once.
type Tenure interface {
	// Stop has it finish what is under way. The slot is held meanwhile.
	Stop()
	// Abandon has it stop as it is: the slot is another's.
	Abandon()
	// Done is closed when nothing is left of it; Err then says why, if it gave up by
	// itself.
	Done() <-chan struct{}
	Err() error
	// TakenOver is closed when the MQTT broker has given the session to another client.
	TakenOver() <-chan struct{}
	// Away is for how long the MQTT broker has not been reached; 0: it is connected.
	Away() time.Duration
	// Relaid tells the layout, and Layout is what the first slot knows of it: see
	// messages.LeaseAsk.
	Relaid(messages.Layout)
	Layout() messages.Layout
}

// Options are what a Keeper needs.
type Options struct {
	Leases Leases
	// Hold begins to act for a slot, in the layout of that moment.
	Hold func(messages.Slot, messages.Layout, *Fence) Tenure
	// Lease is how long a worker that died is waited for.
	Lease time.Duration
	// Sessions is how many slots there are to be.
	Sessions int
	Log      *slog.Logger
}

const (
	// patience is for how long the broker may be out of reach before a slot goes to a
	// worker that reaches it, and memory for how long a worker is remembered then.
	patience = 5 * time.Second
	memory   = 30 * time.Second
	// shunLeast and shunMost bound for how long a slot is left to others whose session
	// another client has taken over.
	shunLeast = time.Second
	shunMost  = 30 * time.Second
	// insist is for how many leases a number of slots is proposed again that Redis has lost.
	insist = 3
	// farewell is how long Redis may take at the end.
	farewell = time.Second
)

// format begins the ids of workers, by which those that store something else know each
// other: see messages.LeaseAsk.
const format = "2."

// Counts are how often slots came and went: taken; given up, at a stop or for others to
// have their share; lost, since the lease was not renewed in time; and left because
// another client had their session.
type Counts struct{ Taken, Given, Lost, TakenOver atomic.Int64 }

// Keeper keeps the slots of one worker.
type Keeper struct {
	Options
	// Counts may be read at any time.
	Counts Counts

	worker, name string

	held     map[int]*holding
	release  map[int]bool
	shun     map[int]*shunned
	proposed time.Time // when the layout was first as configured; zero: it has not been
	former   int       // over how many slots filters were spread before
	turn     uint64    // of the last question
	down     time.Time
	trouble  string // why Redis is away; empty: it is not known to be
	standby  string // the workers that it stands by for; empty: it does not stand by
	leaving  bool
	poked    chan struct{}

	mu   sync.Mutex
	view View
}

// holding is a slot that is held, or whose tenure has not quite ended.
type holding struct {
	slot     messages.Slot
	fence    *Fence
	tenure   Tenure
	several  bool // there were other slots or workers as it came: worth a word
	stopping bool // it is to be released when it is done
	lost     bool // it is another's
}

// shunned is a slot that is left to others for a while.
type shunned struct {
	until time.Time
	last  time.Duration
}

// View is what the keeper knows of the whole.
type View struct {
	// Reached: the last question was answered. Leaving: the worker stops.
	Reached, Leaving bool
	messages.LeaseAnswer

	asked time.Time     // the last question that was answered
	heard time.Time     // and the answer
	lease time.Duration // how long it is for
}

// Left is how long what is held is held at least; 0 where nothing is.
func (v View) Left() time.Duration {
	if len(v.Held) == 0 {
		return 0
	}
	return max(0, v.lease-time.Since(v.asked))
}

// New makes a keeper. Its worker is a new one, whatever ran in the process before.
func New(o Options) *Keeper {
	host, _ := os.Hostname()
	return &Keeper{
		Options: o, worker: format + strings.ToLower(rand.Text()), name: fmt.Sprintf("%s:%d", host, os.Getpid()),
		held: map[int]*holding{}, release: map[int]bool{}, shun: map[int]*shunned{}, poked: make(chan struct{}, 1),
	}
}

// View is what is known now.
func (k *Keeper) View() View {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.view
}

// answered is what came of a question.
type answered struct {
	ask   messages.LeaseAsk
	asked time.Time
	messages.LeaseAnswer
	err error
}

// Run holds slots until ctx ends; then it has their tenures finish, and returns when
// nothing is left of them. An error is that of a tenure that gave up.
func (k *Keeper) Run(ctx context.Context) error {
	answers := make(chan answered, 1)
	asking := false
	next := time.NewTimer(0)
	defer next.Stop()
	stop := ctx.Done()
	var failure error
	for {
		select {
		case <-stop:
			stop = nil
			k.leave()
			next.Reset(0)
		case <-k.poked:
			next.Reset(0)
		case <-next.C:
			if !asking {
				asking = true
				go k.question(k.ask(), answers)
			}
		case a := <-answers:
			asking = false
			k.answered(a)
			next.Reset(k.pause(a))
		}
		failure = errors.Join(failure, k.look())
		if failure != nil && !k.leaving {
			k.leave()
		}
		if k.leaving && len(k.held) == 0 {
			k.farewell(asking, answers)
			return failure
		}
	}
}

// question puts a question to Redis.
func (k *Keeper) question(ask messages.LeaseAsk, to chan<- answered) {
	a := answered{ask: ask, asked: time.Now()}
	a.LeaseAnswer, a.err = k.Leases.Lease(context.Background(), ask)
	to <- a
}

// pause is how long to wait before the next question.
func (k *Keeper) pause(a answered) time.Duration {
	pause := k.Lease / 6
	if a.err == nil && a.Soonest > 0 {
		pause = min(pause, a.Soonest+5*time.Millisecond)
	}
	return pause
}

// ask is what is to be told and asked now.
func (k *Keeper) ask() messages.LeaseAsk {
	k.turn++
	ask := messages.LeaseAsk{
		Worker: k.worker, Name: k.name, Turn: k.turn, Lease: k.Lease, Sessions: k.Sessions,
		Propose: k.proposes(), Leaving: k.leaving, Down: k.isDown(),
		Release: slices.Sorted(maps.Keys(k.release)),
	}
	now := time.Now()
	if !k.view.heard.IsZero() {
		ask.Sent = k.view.Now.Add(now.Sub(k.view.heard))
	}
	for n, s := range k.shun {
		if now.Before(s.until) {
			ask.Shun = append(ask.Shun, n)
		}
	}
	for n, h := range k.held {
		if h.lost || k.release[n] {
			continue
		}
		ask.Held = append(ask.Held, h.slot)
		if !h.fence.Open() {
			ask.Doubtful = append(ask.Doubtful, n)
		}
		if n == 0 {
			ask.Layout = h.tenure.Layout()
		}
	}
	return ask
}

// proposes says whether to ask for the configured number of slots: until there were as many
// once. Redis may lose that before the holder of the first slot has heard of it, and have the
// former number again.
func (k *Keeper) proposes() bool {
	return k.proposed.IsZero() || k.view.Sessions == k.former && time.Since(k.proposed) < insist*k.Lease
}

// isDown says whether the broker is out of reach from here, or was a while ago.
func (k *Keeper) isDown() bool {
	away, there := false, false
	for _, h := range k.held {
		d := h.tenure.Away()
		away = away || d >= patience
		there = there || d == 0 && !h.lost && !h.stopping
	}
	switch {
	case away:
		k.down = time.Now()
	case there:
		k.down = time.Time{}
	}
	return !k.down.IsZero() && time.Since(k.down) < memory
}

// answered takes an answer in.
func (k *Keeper) answered(a answered) {
	k.mu.Lock()
	k.view.Reached, k.view.Leaving = a.err == nil, k.leaving
	if a.err == nil {
		k.view.LeaseAnswer, k.view.asked, k.view.heard, k.view.lease = a.LeaseAnswer, a.asked, time.Now(), k.Lease
	}
	k.mu.Unlock()
	k.say(a.err)
	if a.err != nil {
		return
	}
	for _, n := range a.ask.Release {
		delete(k.release, n)
	}
	if k.proposed.IsZero() && a.Sessions == k.Sessions {
		k.proposed, k.former = time.Now(), a.Before
	}
	k.compare(a)
	k.sayStandby(holders(a.Slots, a.Held))
	for _, h := range k.held {
		h.tenure.Relaid(a.Layout)
	}
	if h := k.held[a.Give]; h != nil && !h.lost && !h.stopping {
		k.Log.Info("handing a session slot over to another worker", "slot", a.Give)
		h.stopping = true
		h.tenure.Stop()
	}
}

// say says once per kind of trouble that Redis is away, if nobody else does: what runs
// for a slot has more to say.
func (k *Keeper) say(err error) {
	trouble := ""
	var f *messages.LayerFailure
	switch {
	case err == nil:
	case errors.As(err, &f) && f.Answered:
		trouble = f.Err.Error()
	default:
		trouble = "no answer"
	}
	if trouble == k.trouble {
		return
	}
	if k.trouble = trouble; len(k.held) > 0 {
		return
	}
	if trouble == "" {
		k.Log.Info("Redis is there")
		return
	}
	if trouble == "no answer" {
		k.Log.Warn("Redis is away; trying again until it is back", "error", err)
	} else {
		k.Log.Warn("Redis is there, but leases no session slot; trying again", "error", err)
	}
}

// compare finds out what is held any more, and what is held now.
func (k *Keeper) compare(a answered) {
	granted := map[int]messages.Slot{}
	for _, s := range a.Held {
		granted[s.Number] = s
	}
	for n, h := range k.held {
		switch s, ok := granted[n]; {
		case h.lost:
		case n >= len(a.Slots):
			k.Log.Info("a session slot is no more: its filters have moved", "slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed())
			k.lose(h)
		case !ok && !free(a.Slots, n) || ok && s.Epoch != h.slot.Epoch:
			k.Counts.Lost.Add(1)
			k.Log.Warn("another worker holds a session slot that was held here: it was not renewed in time", "slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed())
			k.lose(h)
		}
	}
	for n, s := range granted {
		switch h := k.held[n]; {
		case h == nil && !k.release[n] && !k.leaving:
			k.hold(a, s)
		case h == nil && !k.release[n]:
			k.release[n] = true // it came with an answer to an earlier question
			k.poke()
		case h != nil && !h.lost:
			h.fence.renew(a.asked, k.Lease, a.Until)
		}
	}
}

// free says whether nobody holds a slot.
func free(list []messages.SlotFacts, n int) bool { return list[n].Holder == "" }

func (k *Keeper) hold(a answered, s messages.Slot) {
	h := &holding{slot: s, fence: newFence(), several: a.Sessions > 1 || a.Workers > 1}
	h.fence.renew(a.asked, k.Lease, a.Until)
	h.tenure = k.Hold(s, a.Layout, h.fence)
	k.held[s.Number] = h
	k.Counts.Taken.Add(1)
	if h.several {
		k.Log.Info("holding a session slot", "slot", s.Number, "epoch", s.Epoch, "of", a.Sessions, "workers", a.Workers)
	}
	go func() {
		select {
		case <-h.tenure.TakenOver():
			k.poke()
			<-h.tenure.Done()
		case <-h.tenure.Done():
		}
		k.poke()
	}()
}

// lose ends what ran for a slot.
func (k *Keeper) lose(h *holding) {
	h.lost = true
	h.fence.revoke()
	h.tenure.Abandon()
}

// poke has the keeper look and ask at once.
func (k *Keeper) poke() {
	select {
	case k.poked <- struct{}{}:
	default:
	}
}

// look finds out which tenures have ended, and why.
func (k *Keeper) look() (failure error) {
	for n, h := range k.held {
		select {
		case <-h.tenure.Done():
			closed := h.fence.closed()
			h.fence.revoke()
			delete(k.held, n)
			if !h.lost {
				k.Counts.Given.Add(1)
				if h.several {
					k.Log.Info("a session slot is given up", "slot", n, "epoch", h.slot.Epoch, "closed_for", closed)
				}
				k.release[n] = true
				k.poke()
			}
			failure = errors.Join(failure, h.tenure.Err())
			continue
		default:
		}
		select {
		case <-h.tenure.TakenOver():
			if !h.lost {
				k.takenOver(n, h)
			}
		default:
		}
	}
	return failure
}

// takenOver leaves a slot to others whose session another client has.
func (k *Keeper) takenOver(n int, h *holding) {
	s := k.shun[n]
	if s == nil || time.Since(s.until) > shunMost {
		s = &shunned{last: shunLeast / 2}
		k.shun[n] = s
	}
	s.last = min(2*s.last, shunMost)
	s.until = time.Now().Add(s.last)
	k.Counts.TakenOver.Add(1)
	k.Log.Warn("another client has the session of a slot: the slot is given up; if no other worker is to have it, see that the client id is used by nobody else",
		"slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed(), "again_in", s.last)
	k.lose(h)
	k.release[n] = true
}

// leave has everything finish.
func (k *Keeper) leave() {
	k.leaving = true
	k.mu.Lock()
	k.view.Leaving = true
	k.mu.Unlock()
	for _, h := range k.held {
		h.stopping = true
		h.tenure.Stop()
	}
}

// farewell tells Redis of what was given up last, if it answers soon.
func (k *Keeper) farewell(asking bool, answers chan answered) {
	patience := time.After(farewell)
	for told := false; !told; asking = false {
		if !asking {
			told = true
			go k.question(k.ask(), answers)
		}
		select {
		case <-answers:
		case <-patience:
			return
		}
	}
}
