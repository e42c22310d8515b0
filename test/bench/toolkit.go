package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"chanmqttproxy/test/kit"
)

// The toolkit's scenarios run Python: a process of the site in test/site, with the Python
// package, beside one that does the same with paho alone. Scripts are in python/.
//
//	view-1, view-8   a view that publishes and waits for the broker, in so many threads
//	handler-1, …     a handler that keeps each message in PostgreSQL, so many at once
//	state            the last message of each topic, kept in bulk; paho one row at a time
const (
	readings = 4000 // messages of one measurement of handlers
	topics   = 50
)

// kept is what becomes of messages in the database.
type kept struct {
	topic    string // with the number of the topic to come
	messages int    // of one measurement
	count    string // the query of how many there are, of those with this number or a later one
	newest   bool   // the newest of each topic; else all
	empty    string
	disorder string // the query of how many came out of order
}

var ofHandlers = kept{
	topic: "house/bench/sensor/s%d", messages: readings,
	count: "select count(*) from house_reading where value >= %d", empty: "truncate house_reading",
	disorder: "select count(*) from (select value - lag(value) over (partition by sensor_id order by id) as step from house_reading) s where step <= 0",
}

var ofState = kept{
	topic: "state/bench/s%d", messages: 5 * readings, newest: true,
	count: "select count(*) from chanmqttproxy_state_lastmessage where value::text::int >= %d",
	empty: "truncate chanmqttproxy_state_lastmessage", disorder: "select 0",
}

// toolkit measures a scenario in Python and returns its figures.
func (r *rig) toolkit(s scenario, who string) (map[string]float64, error) {
	return withKit(func(t *bench) (map[string]float64, error) { return r.inPython(t, s, who) })
}

func (r *rig) inPython(t *bench, s scenario, who string) (map[string]float64, error) {
	db := kit.Postgres(t)
	env := append(r.environment(), "MQTT_HOST=127.0.0.1:"+r.mqtt, "REDIS_URL=redis://127.0.0.1:"+r.redis,
		"PGDATABASE=postgres", "PGUSER=postgres", "PGHOST=127.0.0.1", "PGPORT="+db.Port(), "BENCH_TOPICS="+fmt.Sprint(topics),
		"PYTHONPATH="+strings.Join([]string{"test/bench/python", "test/site", "runtime/python/src"}, ":"),
		"DJANGO_SETTINGS_MODULE=benchsettings", "PYTHONDONTWRITEBYTECODE=1", "HANDLER_CONCURRENCY="+fmt.Sprint(s.parallel),
		"PATH="+filepath.Dir(r.worker)+":"+os.Getenv("PATH"))
	p := &python{bench: t, path: kit.SitePython(t), env: env}
	p.run("-m", "django", "migrate", "--verbosity", "0")
	p.run("test/bench/python/prepare.py")
	if strings.HasPrefix(s.args, "view") {
		return r.views(p, s, who)
	}
	if s.args == "state" {
		p.env = append(p.env, "BENCH_STATE=yes")
		return r.keeps(p, ofState, who, db)
	}
	return r.keeps(p, ofHandlers, who, db)
}

// views has a process publish from views for a while.
func (r *rig) views(p *python, s scenario, who string) (map[string]float64, error) {
	if who == "worker" {
		defer stop(p.start("-m", "django", "runmqtt", "--no-handlers"))
	}
	before := r.lookAtAll()
	out := p.run("test/bench/python/views.py", who, fmt.Sprint(s.parallel), fmt.Sprint(r.seconds))
	figures := r.lookAtAll().since(before)
	if err := json.Unmarshal([]byte(out), &figures); err != nil {
		return nil, fmt.Errorf("what views.py says: %w: %s", err, out)
	}
	return figures, nil
}

// keeps has messages kept, and takes the time until the last one is.
func (r *rig) keeps(p *python, k kept, who string, db *kit.PostgresServer) (map[string]float64, error) {
	if who == "worker" {
		defer stop(p.start("-m", "django", "runmqtt"))
	} else {
		k.messages = readings
		defer stop(p.start("test/bench/python/callback.py"))
	}
	count := func(from int) string { return db.Query(fmt.Sprintf(k.count, from)) }
	device := kit.NewDevice(p, "127.0.0.1:"+r.mqtt)
	for began := time.Now(); count(0) == "0"; { // until it is subscribed
		if time.Since(began) > time.Minute {
			return nil, errors.New("no message was kept within a minute")
		}
		device.Publish(fmt.Sprintf(k.topic, 0), 1, "1").WaitTimeout(time.Second)
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(2 * time.Second)
	db.Query(k.empty)
	before, began := r.lookAtAll(), time.Now()
	for i := range k.messages {
		device.Publish(fmt.Sprintf(k.topic, i%topics), 1, fmt.Sprint(i))
	}
	from, want := 0, k.messages
	if k.newest {
		from, want = k.messages-topics, topics
	}
	for count(from) != fmt.Sprint(want) {
		if time.Since(began) > 5*time.Minute {
			return nil, fmt.Errorf("of %d messages only %s were kept within five minutes", want, count(from))
		}
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(began).Seconds()
	figures := r.lookAtAll().since(before)
	figures[rate] = float64(k.messages) / took
	if disorder := db.Query(k.disorder); disorder != "0" {
		return nil, fmt.Errorf("%s messages were kept out of order", disorder)
	}
	return figures, nil
}

// python is the site's Python.
type python struct {
	*bench
	path string
	env  []string
}

func (p *python) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.path, args...)
	cmd.Env, cmd.Stderr = p.env, os.Stderr
	return cmd
}

func (p *python) run(args ...string) string {
	out, err := p.command(args...).Output()
	if err != nil {
		p.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func (p *python) start(args ...string) *exec.Cmd {
	cmd := p.command(args...)
	if err := cmd.Start(); err != nil {
		p.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return cmd
}
