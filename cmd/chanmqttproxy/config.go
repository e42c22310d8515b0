package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show the settings in use, or all that exist",
		Example: `  chanmqttproxy config print
  chanmqttproxy config schema > chanmqttproxy.schema.json
  chanmqttproxy config env > /etc/chanmqttproxy/chanmqttproxy.env`,
	}
	c.AddCommand(
		configured(&cobra.Command{
			Use:     "print",
			Short:   "Print the settings in use, and where each is set; secrets are hidden",
			Long:    "Print the settings in use as a YAML file, and where each is set. Secrets are hidden,\nso you can show the output to others.",
			Example: "  chanmqttproxy config print --config /etc/chanmqttproxy.yaml",
		}, func(c *cobra.Command, cfg *config.Config) error {
			_, err := fmt.Fprint(c.OutOrStdout(), cfg.YAML())
			return err
		}),
		printing(&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of the configuration file",
			Long: `Print the JSON Schema of the configuration file. Editors with the YAML
language server use it if this is the first line of the configuration file:
  # yaml-language-server: $schema=chanmqttproxy.schema.json`,
			Example: "  chanmqttproxy config schema > chanmqttproxy.schema.json",
		}, config.Schema),
		printing(&cobra.Command{
			Use:     "env",
			Short:   "Print an environment file that has all settings at their defaults",
			Example: "  chanmqttproxy config env > /etc/chanmqttproxy/chanmqttproxy.env",
		}, config.Env),
	)
	return c
}

// printing is a command that prints a text.
func printing(c *cobra.Command, text func() string) *cobra.Command {
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, err := fmt.Fprint(c.OutOrStdout(), text())
		return failed(err)
	}
	return c
}
