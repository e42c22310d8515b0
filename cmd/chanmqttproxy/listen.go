package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

func listenCommand() *cobra.Command {
	topic := ""
	c := configured(&cobra.Command{
		Use:   "listen GROUP",
		Short: "Join a group and print the events that it gets",
		Long: `Join a group of the channel layer, as a consumer of a site does, and print each
event that the group gets as a line of JSON, until Ctrl-C. With --topic the group
is subscribed to that filter first. The subscription ends when nobody has been in
the group for SUBSCRIPTION_IDLE.`,
		Example: `  chanmqttproxy listen house --topic 'house/#'
  chanmqttproxy listen house | jq .message.payload`,
	}, func(c *cobra.Command, cfg *config.Config) error {
		return listen(c, cfg, c.Flags().Arg(0), topic)
	})
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("one GROUP is wanted, not %d: give %s house, for example", len(args), c.CommandPath())
		}
		return nil
	}
	c.Flags().StringVar(&topic, "topic", "", "subscribe the group to this `filter` first")
	return c
}

func listen(c *cobra.Command, cfg *config.Config, group, topic string) error {
	if err := messages.ValidGroup(group); err != nil {
		return usageError{err}
	}
	consumer := newConsumer(cfg)
	defer consumer.leave(group)
	ctx := c.Context()
	if err := consumer.Join(ctx, group); err != nil {
		return err
	}
	if topic != "" {
		command := messages.Map{{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: topic}, {Key: "group", Value: group}}
		if err := consumer.command(ctx, command); err != nil {
			return err
		}
	}
	err := consumer.each(ctx, func(event messages.Map) (bool, error) { return false, writeJSON(c.OutOrStdout(), event) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}
