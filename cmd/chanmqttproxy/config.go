package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show the settings that are in force, or all that there are",
		Example: `  chanmqttproxy config print
  chanmqttproxy config schema > chanmqttproxy.schema.json
  chanmqttproxy config env > /etc/chanmqttproxy/chanmqttproxy.env`,
	}
	c.AddCommand(
		configured(&cobra.Command{
			Use:     "print",
			Short:   "Print the settings in force, each with its source; secrets are hidden",
			Long:    "Print the settings in force as a YAML file, each with its source. Secrets are\nhidden, so that the output may be shown to others.",
			Example: "  chanmqttproxy config print --config /etc/chanmqttproxy.yaml",
		}, func(c *cobra.Command, cfg *config.Config) error {
			_, err := fmt.Fprint(c.OutOrStdout(), cfg.YAML())
			return err
		}),
		printing(&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of the configuration file",
			Long: `Print the JSON Schema of the configuration file. Editors that know the YAML
language server take it from a comment in the file's first line:
  # yaml-language-server: $schema=chanmqttproxy.schema.json`,
			Example: "  chanmqttproxy config schema > chanmqttproxy.schema.json",
		}, config.Schema),
		printing(&cobra.Command{
			Use:     "env",
			Short:   "Print a file for the environment, with all settings at their defaults",
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
