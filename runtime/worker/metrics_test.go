package worker_test

import (
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/worker"
)

// TestEveryNumberIsAMetric gives each number of the worker a value of its own and
// looks for it among the metrics.
func TestEveryNumberIsAMetric(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Input{})
	if err != nil {
		t.Fatal(err)
	}
	w := worker.New(cfg, slog.New(slog.DiscardHandler))
	wanted := map[string]string{}
	stats := reflect.ValueOf(w.Stats()).Elem()
	for i := range stats.NumField() {
		if n, ok := stats.Field(i).Addr().Interface().(*atomic.Int64); ok {
			n.Store(int64(7_000_001 + i))
			wanted[stats.Type().Field(i).Name] = strconv.FormatFloat(float64(7_000_001+i), 'g', -1, 64)
		}
	}
	body := worker.Metrics(w)
	for name, value := range wanted {
		if !strings.Contains(body, " "+value+"\n") {
			t.Errorf("%s is no metric", name)
		}
	}
}
