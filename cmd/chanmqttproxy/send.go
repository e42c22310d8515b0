package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// answerWithin is how long an answer is waited for: the worker gives a broker
// ten seconds.
const answerWithin = 15 * time.Second

func sendCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "send",
		Short: "Send a command to the worker, as a site does, and print the answer",
		Long: `Send a command to the worker through Redis, as a site does, and print the worker's
answer as JSON. The keys of the command are given as KEY=VALUE. A value that is
JSON is sent as such, any other as text. A message is published with QoS 1 and not
retained, unless qos= and retain= say otherwise.`,
		Example: `  chanmqttproxy send status
  chanmqttproxy send subscribe topic=house/+/temperature group=house qos=1
  chanmqttproxy send publish topic=house/lamp/set payload='{"on": true}' retain=true
  chanmqttproxy send request topic=house/lamp/get payload=state timeout=5
  chanmqttproxy send unsubscribe topic=house/+/temperature group=house`,
	}
	for _, verb := range []struct{ name, short, example string }{
		{"subscribe", "Send the messages of a filter to a group or a channel", " topic=house/+/temperature group=house qos=1"},
		{"unsubscribe", "End a subscription", " topic=house/+/temperature group=house"},
		{"publish", "Publish a message", " topic=house/lamp/set payload=on retain=true"},
		{"request", "Publish a message and wait for the response to it", " topic=house/lamp/get payload=state timeout=5"},
		{"status", "Ask whether the worker is connected to the MQTT broker", ""},
	} {
		c.AddCommand(sendVerb(verb.name, verb.short, "  chanmqttproxy send "+verb.name+verb.example))
	}
	return c
}

func sendVerb(verb, short, example string) *cobra.Command {
	c := configured(&cobra.Command{Use: verb + " [KEY=VALUE...]", Short: short, Example: example}, func(c *cobra.Command, cfg *config.Config) error {
		command, err := written(verb, c.Flags().Args())
		if err != nil {
			return err
		}
		return send(c, cfg, command)
	})
	c.Args = cobra.ArbitraryArgs
	return c
}

// outer are the keys that are not those of the message.
var outer = []string{"timeout", "id"}

// written is the command that KEY=VALUE make.
func written(verb string, args []string) (messages.Map, error) {
	command, publish := messages.Map{{Key: "type", Value: "mqtt." + verb}}, messages.Map{}
	for _, arg := range args {
		key, text, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("%q is not KEY=VALUE: give topic=house/lamp, for example", arg)}
		}
		pair := messages.Pair{Key: key, Value: valueOf(text)}
		if (verb == "publish" || verb == "request") && !slices.Contains(outer, key) {
			publish = append(publish, pair)
		} else {
			command = append(command, pair)
		}
	}
	given := slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "topic=") })
	if !given && verb != "status" {
		return nil, usageError{errors.New("a topic is wanted: give topic=house/lamp, for example")}
	}
	if verb == "publish" || verb == "request" {
		command = append(command, messages.Pair{Key: "publish", Value: withDefaults(publish)})
	}
	return command, nil
}

// withDefaults is a message with what somebody who tries something means by what is left
// out. A command's own defaults, QoS 2 and retained, are those of the Python package.
func withDefaults(message messages.Map) messages.Map {
	for _, d := range []messages.Pair{{Key: "qos", Value: int64(1)}, {Key: "retain", Value: false}} {
		if _, given := message.Get(d.Key); !given {
			message = append(message, d)
		}
	}
	return message
}

// valueOf reads JSON, or else takes the text as it is.
func valueOf(text string) messages.Value {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return text
	}
	return packed(v)
}

// packed is a value of JSON as the layer takes it.
func packed(v any) messages.Value {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = packed(v[i])
		}
		return v
	case map[string]any:
		m := messages.Map{}
		for key, value := range v {
			m = append(m, messages.Pair{Key: key, Value: packed(value)})
		}
		slices.SortFunc(m, func(a, b messages.Pair) int { return strings.Compare(a.Key, b.Key) })
		return m
	default:
		return v
	}
}

// send sends a command and prints the answer. An answer that is an error is one.
func send(c *cobra.Command, cfg *config.Config, command messages.Map) error {
	consumer := newConsumer(cfg)
	defer consumer.leave()
	ctx, cancel := context.WithTimeout(c.Context(), answerWithin)
	defer cancel()
	if err := consumer.Attend(ctx); err != nil {
		return err
	}
	if err := consumer.command(ctx, append(command, messages.Pair{Key: "reply_channel", Value: consumer.channel})); err != nil {
		return err
	}
	worker := inquiry{consumer: consumer, out: c.ErrOrStderr()}
	defer time.AfterFunc(askAfter, func() { worker.send(ctx) }).Stop()
	err := consumer.each(ctx, func(answer messages.Map) (bool, error) {
		if worker.answered(answer) {
			return false, nil
		}
		if kind, _ := answer.Get("type"); kind == "mqtt.error" {
			reason, _ := answer.Get("reason")
			code, _ := answer.Get("code")
			return true, fmt.Errorf("the worker refuses it: %v (%v)", reason, code)
		}
		return true, writeJSON(c.OutOrStdout(), answer)
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v: %s", answerWithin, worker.failure(cfg.Channel))
	}
	return err
}
