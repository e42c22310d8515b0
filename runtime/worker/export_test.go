package worker

import (
	"log/slog"
	"net/http/httptest"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
)

// Understand decodes one message.
func Understand(m layer.Message, decode func(messages.Map) (messages.Command, error)) messages.Received {
	return understand(m, decode)
}

// OptionsOf are the options of the actors for a configuration.
func OptionsOf(cfg *config.Config) actors.Options {
	return New(cfg, slog.New(slog.DiscardHandler)).options(0)
}

// Metrics are those of a worker that has not begun.
func Metrics(w *Worker) string {
	t := telling{
		stats: w.stats, standing: func() standing { return standing{} }, layer: func() layer.Stats { return layer.Stats{} },
		bounds: w.config.Bounds, version: w.Version,
	}
	answer := httptest.NewRecorder()
	t.handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}
