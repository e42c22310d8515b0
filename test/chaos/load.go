package chaos

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/kit"
)

// Load is what a bridge has to carry. Rates are messages a second over all
// topics together, and the most that is tried: a topic has one message in
// flight at a time, so that its order is beyond doubt.
type Load struct {
	// Processes of the site, each of which reads everything that comes in.
	Processes int
	// Topics that devices publish to, and how often; half of the devices speak
	// MQTT 5, the others 3.1.1.
	Topics, In int
	// Filters has each topic subscribed to by a filter of its own, so that they
	// spread over the session slots; otherwise one filter is for all.
	Filters bool
	// QoS of what devices publish. Where it is not 0, every fifth topic is of QoS 2,
	// and so are the commands' (see qosOf).
	QoS    byte
	NoQoS2 bool
	// Commands a second that the site sends, to as many topics.
	Out int
	// Commands a second that want answers: subscribe, unsubscribe and publish in turn.
	Asked int
}

// group is the group that all processes of the site are in.
const group = "chaos"

// qosOf is the QoS of a topic. Those of QoS 2 belong to devices that speak 3.1.1:
// the library of the others may panic when it loses a connection in the middle of
// one.
func (l Load) qosOf(topic string) byte {
	if l.QoS > 0 && !l.NoQoS2 && (strings.HasSuffix(topic, "8") || strings.HasSuffix(topic, "9")) {
		return 2
	}
	return l.QoS
}

// perDevice is how many topics a device publishes to.
const perDevice = 5

var devices atomic.Int64

// process is one process of the site, which reads unless it is told to stop.
type process struct {
	name    string
	django  *kit.Django
	stopped atomic.Bool
	slow    atomic.Int64 // nanoseconds to wait after each read
}

// start has the site join and subscribe, sees that messages come through both
// ways, and starts to send.
func (r *Rig) start() {
	r.t.Helper()
	for i := range r.Load.Processes {
		p := &process{name: fmt.Sprint("process ", i), django: kit.NewDjango(r.t, r.Redis.Addr())}
		r.join(i, p)
		r.processes = append(r.processes, p)
		r.readers.Go(func() { r.read(p) })
	}
	r.listen()
	for _, filter := range r.filters() {
		r.Site().Send(append(kit.Subscribe(filter, group, 2), r.options...))
	}
	if r.streams {
		r.openStream()
	}
	r.flowsEverywhere()
}

// join has a process of the site join its groups.
func (r *Rig) join(i int, p *process) {
	p.django.Join(group)
	if i == 0 {
		p.django.Join(wished)
	}
}

// filters are those of all topics.
func (r *Rig) filters() []string {
	if !r.Load.Filters {
		return []string{"in/#"}
	}
	return append(r.topics(), r.probed()...)
}

// topics are those that devices publish to.
func (r *Rig) topics() (list []string) {
	for i := range r.Load.Topics {
		list = append(list, fmt.Sprint("in/", i))
	}
	return list
}

// probed are topics of which each goes another way: through each of the session slots,
// however many of them there are.
func (r *Rig) probed() []string {
	if !r.Load.Filters {
		return []string{"in/probe"}
	}
	list := make([]string, r.slots)
	for i, found := 0, 0; found < r.slots; i++ {
		name := fmt.Sprint("in/probe ", i)
		if slot := topic.Slot(name, r.slots); list[slot] == "" {
			list[slot] = name
			found++
		}
	}
	return list
}

// Site is the process of the site that sends commands.
func (r *Rig) Site() *kit.Django { return r.processes[0].django }

// Run sends in both directions until the load is stopped.
func (r *Rig) Run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	var d *device
	for i := range r.Load.Topics {
		if i%perDevice == 0 {
			d = r.device(i%(2*perDevice) == 0)
		}
		d := d
		senders.Go(func() { r.publish(ctx, d, fmt.Sprint("in/", i)) })
	}
	if r.Load.Out > 0 {
		senders.Go(func() { r.command(ctx) })
	}
	if r.Load.Asked > 0 {
		senders.Go(func() { r.requestAll(ctx) })
	}
	return sync.OnceFunc(func() {
		cancel()
		senders.Wait()
	})
}

// Burst sends so many messages, spread over the topics, as fast as the broker
// takes them.
func (r *Rig) Burst(messages int) {
	var senders sync.WaitGroup
	for i := range r.Load.Topics {
		d, topic := r.device(i%2 == 0), fmt.Sprint("in/", i)
		senders.Go(func() {
			defer d.close()
			for range messages / r.Load.Topics {
				r.Publish(d, topic)
			}
		})
	}
	senders.Wait()
}

// StopReading has a process of the site read no more, but not end.
func (r *Rig) StopReading(process int) { r.processes[process].stopped.Store(true) }

// ResumeReading undoes StopReading.
func (r *Rig) ResumeReading(process int) { r.processes[process].stopped.Store(false) }

// SlowDown has a process of the site wait after each read, which takes what its
// queue holds.
func (r *Rig) SlowDown(process int, d time.Duration) { r.processes[process].slow.Store(int64(d)) }

func (r *Rig) device(five bool) *device {
	d := newDevice(r.addr, fmt.Sprint("sender-", devices.Add(1)), five && r.speaks5())
	r.t.Cleanup(d.close)
	return d
}

// publish sends one topic's share of what comes in.
func (r *Rig) publish(ctx context.Context, d *device, topic string) {
	tick := time.NewTicker(time.Second * time.Duration(r.Load.Topics) / time.Duration(r.Load.In))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.Publish(d, topic)
		}
	}
}

// Publish sends the next message of a topic and waits until the broker has it.
func (r *Rig) Publish(d *device, topic string) {
	within, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	number := r.In.Send(topic)
	if err := d.publish(within, topic, r.Load.qosOf(topic), payload(number)); err != nil {
		r.t.Errorf("a device could not publish to %s: %v", topic, err)
		return
	}
	r.In.Acked(topic, number)
}

// command sends what goes out, a handful at a time, as often as it takes.
func (r *Rig) command(ctx context.Context) {
	const every = 20 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	each := max(1, r.Load.Out*int(every/time.Millisecond)/1000)
	for next := 0; ; next += each {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.send(next, each)
		}
	}
}

func (r *Rig) send(from, n int) {
	list := make([]messages.Map, n)
	numbers := make([]int, n)
	for i := range n {
		numbers[i] = r.Out.Send(outTopic(from + i))
		list[i] = kit.Publish(outTopic(from+i), payload(numbers[i]), int(r.Load.qosOf(outTopic(from+i))))
	}
	r.Site().Send(list...) // returns when Redis has them
	for i := range n {
		r.Out.Acked(outTopic(from+i), numbers[i])
	}
}

func outTopic(i int) string { return fmt.Sprint("out/", i%20) }

// read enters what a process of the site reads.
func (r *Rig) read(p *process) {
	for r.reading.Load() {
		if p.stopped.Load() {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		for _, m := range p.django.Read(50 * time.Millisecond) {
			r.enter(p, m)
		}
		time.Sleep(time.Duration(p.slow.Load()))
	}
}

// enter enters one message of the layer: an event, or a list of them.
func (r *Rig) enter(p *process, m messages.Map) {
	if list, ok := m.Get("messages"); ok {
		events, _ := list.([]any)
		for _, e := range events {
			event, _ := e.(messages.Map)
			r.event(p, event)
		}
		return
	}
	if id, ok := m.Get("id"); ok {
		r.answered(fmt.Sprint(id), m)
		return
	}
	r.event(p, kit.Event(r.t, m))
}

func (r *Rig) event(p *process, event messages.Map) {
	topic, _ := event.Get("topic")
	text, _ := event.Get("payload")
	r.arrive(r.In, p.name, fmt.Sprint(topic), fmt.Sprint(text))
}

// arrive tells probes from messages that are accounted for.
func (r *Rig) arrive(a *Account, receiver, topic, text string) {
	if strings.HasPrefix(text, "probe") {
		n, _ := r.probes.LoadOrStore(receiver+topic+text, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		return
	}
	number, err := strconv.Atoi(strings.TrimPrefix(text, "m"))
	if err != nil {
		number = -1
	}
	a.Deliver(receiver, topic, number)
}

func payload(number int) string { return "m" + strconv.Itoa(number) }

// listener is the name of the device that hears what goes out.
const listener = "device"

// listen starts the device that hears what goes out, and one at the spare broker. Their
// sessions are stored.
func (r *Rig) listen() {
	r.t.Helper()
	servers := []Broker{r.Broker}
	if r.spare != nil {
		servers = append(servers, r.spare)
	}
	for _, b := range servers {
		kit.NewListener(r.t, b.Addr(), func(m kit.Heard) {
			r.arrive(r.Out, listener, m.Topic, m.Payload)
		}).Listen("out/#", 1)
	}
}

// dump ends all workers and returns what they wrote.
func (r *Rig) dump() string {
	var b strings.Builder
	for i, w := range r.Workers {
		words, goroutines, _ := strings.Cut(w.Dump(), "SIGQUIT: quit")
		if len(r.Workers) > 1 {
			goroutines = "" // it is too much to read
		}
		fmt.Fprintf(&b, "worker %d:\n%s%s\n", i, words[max(0, len(words)-8<<10):], goroutines)
	}
	return b.String()
}
