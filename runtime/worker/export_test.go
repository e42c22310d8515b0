package worker

import (
	"log/slog"

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
	return New(cfg, slog.New(slog.DiscardHandler)).options(nil)
}
