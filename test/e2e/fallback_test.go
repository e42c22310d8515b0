package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// A real broker that speaks nothing but 3.1.1, and closes without a word on
// anything else.
func TestFallsBackOnRabbitMQ(t *testing.T) {
	t.Parallel()
	rabbit := kit.RabbitMQ(t)
	redis := kit.Redis(t)
	worker := run(t, redis, rabbit.URL())
	logs(t, worker, "version=3.1.1")
	site := kit.NewDjango(t, redis.Addr())
	site.Join("rabbit")
	site.Send(kit.Subscribe("fallback/in", "rabbit", 1))
	in := read(t, site)
	kit.Eventually(t, 30*time.Second, "a publish comes back through the broker", func() bool {
		site.Send(kit.Publish("fallback/in", "hello", 1))
		time.Sleep(50 * time.Millisecond)
		return in.has("hello")
	})
	worker.Stop()
}

func TestFallsBackWhereTheSocketIsClosed(t *testing.T) {
	t.Parallel()
	for name, fake := range map[string]func(testing.TB) *kit.Fake311{"closed": kit.Closing, "refused": kit.Refusing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := kit.Redis(t)
			worker := run(t, redis, fake(t).URL())
			logs(t, worker, "version=3.1.1")
			worker.Stop()
		})
	}
}

// SIGTERM is heard in every state, and a second one ends the program at once.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		says string
	}{
		"while falling back":       {[]string{"MQTT_HOST=" + kit.Closing(t).Addr()}, "no connection to the MQTT broker"},
		"while the broker is away": {[]string{"MQTT_HOST=127.0.0.1:1"}, "no connection to the MQTT broker"},
		"while Redis is away":      {[]string{"REDIS_URL=redis://127.0.0.1:1"}, "Redis is unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append([]string{"REDIS_URL=" + kit.Redis(t).URL(), "MQTT_HOST=127.0.0.1:1"}, c.env...)
			worker := kit.Worker(t, env, "run")
			logs(t, worker, c.says)
			began := time.Now()
			worker.Signal(syscall.SIGTERM)
			if code := worker.ExitCode(time.Minute); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// What is under way is waited for; a second signal is not.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL(), "SHUTDOWN_TIMEOUT=60")
	f := flow(t, redis, broker)
	f.flows(t)
	broker.Freeze() // publishes stay under way
	time.Sleep(100 * time.Millisecond)
	worker.Signal(syscall.SIGTERM)
	logs(t, worker, "stopping")
	worker.Signal(syscall.SIGTERM)
	if code := worker.ExitCode(40 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	broker.Thaw()
}
