package handlers_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

var full = os.Getenv("CHAOS") == "full"

// size is that of the account in CI, or in full where CHAOS=full asks for it.
func size[T any](ci, all T) T {
	if full {
		return all
	}
	return ci
}

// account is what devices had acknowledged by the broker, against what is in the
// database.
type account struct {
	*site
	sent    []*atomic.Int64 // by device: the last number that the broker has
	stored  sync.Map        // by topic: the last number that is in the database, as far as is known
	devices sync.WaitGroup
	stop    chan struct{}
	doubles int // that were counted before
}

const devices = 10

// pace is the pause of each device between two messages. A slow machine makes them wait for
// the database, so that never more than ahead of a device are on their way.
var pace = size(100*time.Millisecond, 50*time.Millisecond)

const ahead = 40

// TestAccount: device, broker, worker, Redis, handler, PostgreSQL. Each of them goes and
// comes back; no message is lost, each topic stays in order, and a message comes twice
// only where something was killed.
func TestAccount(t *testing.T) {
	t.Parallel()
	a := &account{site: newSite(t), stop: make(chan struct{})}
	worker, handlers := a.worker(), a.manage("runmqtt", "--handlers-only")
	prints(t, handlers, "handlers: subscribed to 3 topic filters")
	for i := range devices {
		a.device(i)
	}
	go a.follow()

	a.during("nothing", func() { time.Sleep(size(2*time.Second, 10*time.Second)) })
	a.unrepeated("although nothing was broken")

	a.during("PostgreSQL stopped", func() {
		a.postgres.Stop()
		time.Sleep(size(3*time.Second, 20*time.Second))
		a.postgres.Start()
	})
	a.unrepeated("although only PostgreSQL was away")

	a.during("handlers restarted in order", func() {
		signalThread(t, handlers)
		if code := handlers.ExitCode(time.Minute); code != 0 {
			t.Errorf("the handlers exited with %d", code)
		}
		handlers = a.manage("runmqtt", "--handlers-only")
	})
	a.unrepeated("although the handlers were stopped in order")

	for range size(1, 20) {
		a.during("kill -9 of the handlers", func() {
			handlers.Kill()
			handlers = a.manage("runmqtt", "--handlers-only")
		})
		a.during("kill -9 of the worker", func() {
			worker.Kill()
			worker = a.worker()
		})
	}
	a.during("Redis restarted", a.redis.Restart)
	a.during("the broker restarted", a.broker.Restart)

	close(a.stop)
	a.devices.Wait()
	a.settle()
	a.check()
}

// device publishes numbers to a topic of its own until the end, each when the broker has
// the one before.
func (a *account) device(i int) {
	a.t.Helper()
	device, last := kit.NewDevice(a.t, a.broker.Addr()), &atomic.Int64{}
	a.sent = append(a.sent, last)
	a.devices.Go(func() {
		for n := int64(1); ; n++ {
			device.Publish(topic(i), byte(1+i%2), strconv.FormatInt(n, 10)).Wait()
			last.Store(n)
			for wait := true; wait; wait = n-a.known(topic(i)) > ahead {
				select {
				case <-a.stop:
					return
				case <-time.After(pace):
				}
			}
		}
	})
}

// topic is that of a device. Every third has an async handler.
func topic(i int) string {
	if i%3 == 2 {
		return fmt.Sprint("async/", i)
	}
	return fmt.Sprint("account/", i)
}

// during breaks something, waits until messages come through again, and says what came twice.
func (a *account) during(what string, harm func()) {
	a.t.Helper()
	harm()
	broken := time.Now()
	a.settle()
	before := a.doubles
	a.doubles = a.count()
	a.t.Logf("%s: everything was there after %.1f s; %d came twice", what, time.Since(broken).Seconds(), a.doubles-before)
}

// unrepeated wants no message to have come twice.
func (a *account) unrepeated(why string) {
	a.t.Helper()
	if a.doubles != 0 {
		a.t.Errorf("%d messages came twice, %s", a.doubles, why)
	}
}

// follow keeps account of what is in the database until the end.
func (a *account) follow() {
	psql := kit.Need(a.t, "psql")
	for {
		select {
		case <-a.stop:
			return
		case <-time.After(300 * time.Millisecond):
		}
		out, err := exec.Command(psql, a.postgres.URL(), "-X", "-A", "-t", "-c", newest).Output()
		if err == nil { // it may be away
			a.note(string(out))
		}
	}
}

const newest = "SELECT topic, max(number) FROM ledger_line GROUP BY topic"

func (a *account) note(rows string) {
	for row := range strings.Lines(rows) {
		topic, text, _ := strings.Cut(strings.TrimSpace(row), "|")
		n, _ := strconv.ParseInt(text, 10, 64)
		a.stored.Store(topic, n)
	}
}

func (a *account) known(topic string) int64 {
	n, _ := a.stored.Load(topic)
	known, _ := n.(int64)
	return known
}

// settle waits until what the broker has by now is in the database. It may take long, but
// must go on.
func (a *account) settle() {
	a.t.Helper()
	wanted := map[string]int64{}
	for i, last := range a.sent {
		wanted[topic(i)] = last.Load()
	}
	progress, before := time.Now(), int64(-1)
	for {
		a.note(a.postgres.Query(newest))
		missing := int64(0)
		for topic, n := range wanted {
			missing += max(0, n-a.known(topic))
		}
		if missing == 0 {
			return
		}
		if missing != before {
			progress, before = time.Now(), missing
		}
		if time.Since(progress) > time.Minute {
			a.t.Fatalf("nothing new in the database for a minute; %d are missing", missing)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (a *account) count() int {
	a.t.Helper()
	doubles := a.postgres.Query("SELECT count(*) - count(DISTINCT (topic, number)) FROM ledger_line")
	n, err := strconv.Atoi(doubles)
	if err != nil {
		a.t.Fatalf("counting what came twice: %q", doubles)
	}
	return n
}

// check wants the first of each number in order, with none missing, and no dead letters.
func (a *account) check() {
	a.t.Helper()
	total := int64(0)
	for i, last := range a.sent {
		next := int64(1)
		for _, text := range a.lines(topic(i)) {
			switch n, _ := strconv.ParseInt(text, 10, 64); {
			case n == next:
				next++
			case n > next:
				a.t.Errorf("%s: %d came before %d, or that is lost", topic(i), n, next)
				next = n + 1
			}
		}
		if next <= last.Load() {
			a.t.Errorf("%s: the last is %d, but the broker has had %d", topic(i), next-1, last.Load())
		}
		total += last.Load()
	}
	letters := a.redis.Client().Exists(a.t.Context(), "chanmqttproxy:asgi:mqtt:stream:handlers:dead").Val()
	if letters != 0 {
		a.t.Error("there are dead letters")
	}
	a.t.Logf("%d messages, %d of them twice", total, a.count())
}

// TestBesideTheWorker: runmqtt runs the worker and the handlers, from the start on.
func TestBesideTheWorker(t *testing.T) {
	t.Parallel()
	metrics := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	s := newSite(t, "HANDLER_HTTP_LISTEN="+metrics)
	both := s.manage("runmqtt")
	prints(t, both, "chanmqttproxy.handlers: subscribed to 1 topic filters")
	prints(t, both, "state: subscribed to 1 topic filters")
	prints(t, both, "handlers: subscribed to 3 topic filters")
	device := kit.NewDevice(t, s.broker.Addr())
	for n := range 5 {
		for _, topic := range []string{"account/a", "async/a", "quick/a"} {
			device.Publish(topic, 1, strconv.Itoa(n)).Wait()
		}
	}
	device.Publish("state/lamp", 1, `{"on": true}`).Wait()
	device.Publish("bad/x", 1, "1").Wait()
	for _, topic := range []string{"account/a", "async/a", "quick/a"} {
		kit.Eventually(t, time.Minute, "the rows of "+topic+" in order", func() bool {
			return strings.Join(s.lines(topic), " ") == "0 1 2 3 4"
		})
	}
	kit.Eventually(t, time.Minute, "the last message", func() bool {
		return s.postgres.Query("SELECT value FROM chanmqttproxy_state_lastmessage WHERE topic = 'state/lamp'") == `{"on": true}`
	})
	prints(t, both, "a message of bad/x is a dead letter now: ValueError in ledger.bad")
	kit.Eventually(t, time.Minute, "the metrics of the handlers", func() bool {
		got := get(t, "http://"+metrics+"/metrics")
		return strings.Contains(got, `_messages_total{of="handlers",result="handled"} 15`) &&
			strings.Contains(got, `_messages_total{of="handlers",result="dead"} 1`) &&
			strings.Contains(got, `_messages_total{of="stores",result="handled"} 1`) &&
			strings.Contains(got, `_stream_lag{stream="handlers",partition="1:0"} 0`)
	})
	signalThread(t, both)
	if code := both.ExitCode(time.Minute); code != 0 {
		t.Errorf("it exited with %d", code)
	}
}

// TestStopWithoutRedis: handlers end in order while Redis does not answer.
func TestStopWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.worker()
	handlers := s.manage("runmqtt", "--handlers-only")
	prints(t, handlers, "handlers: subscribed to 3 topic filters")
	s.redis.Pause()
	handlers.Stop(time.Minute) // SHUTDOWN_TIMEOUT is 10 s; the test's machine may be slow
	s.redis.Resume()
}

// get is the body of an answer with status 200.
func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, answer.Status, err, body)
	}
	return string(body)
}

// signalThread sends SIGTERM to a thread of a process that is not its main one. The system
// may give a signal to any of them.
func signalThread(t *testing.T, p *kit.Process) {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		if id != p.PID() && syscall.Kill(id, syscall.SIGTERM) == nil { // else it has ended just now
			return
		}
	}
	t.Fatal("the process has one thread")
}
