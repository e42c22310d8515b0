package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/worker"
)

// root is the command line. The output of its commands ends with ctx, also where nobody
// reads it; what they have to say beside it goes to stderr.
func root(ctx context.Context, stderr *logs.Queue) *cobra.Command {
	c := &cobra.Command{
		Use:   "chanmqttproxy",
		Short: "The MQTT worker of a Django Channels site",
		Long: `chanmqttproxy connects a Django Channels site with an MQTT broker. It replaces
"manage.py runworker mqtt".

You can set every setting with a flag (--mqtt-host), in the environment (MQTT_HOST)
or in a file (mqtt_host). A flag counts before the environment, and the environment
before the file.`,
		Example: `  # Try it without anything else on the machine:
  chanmqttproxy dev

  # Beside a site, with the broker and Redis of its environment:
  MQTT_HOST=broker REDIS_URL=redis://cache:6379 chanmqttproxy run

  # Are the settings right, and do Redis and the broker answer?
  chanmqttproxy check --connect`,
		Version:       versionOf(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetVersionTemplate(versionLine() + "\n")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		hint := ""
		if unknown := new(pflag.NotExistError); errors.As(err, &unknown) {
			hint = config.DidYouMean(unknown.GetSpecifiedName())
		}
		return fmt.Errorf("%w%s; %s --help lists all flags", err, hint, c.CommandPath())
	})
	c.SetOut(output{ctx, os.Stdout})
	c.SetErr(stderr)
	c.AddCommand(runCommand(stderr), devCommand(stderr), checkCommand(), healthcheckCommand(), configCommand(), deadLettersCommand(),
		treeCommand(), sendCommand(), listenCommand(), versionCommand(), manCommand())
	c.InitDefaultCompletionCmd()
	strict(c)
	return c
}

// strict has every command that only holds others refuse those that it does not hold,
// instead of showing its help, and takes what goes wrong in cobra's own for failures.
func strict(c *cobra.Command) {
	for _, verb := range c.Commands() {
		strict(verb)
	}
	switch do := c.RunE; {
	case c.HasSubCommands():
		c.Args = onlyItsOwn
		c.RunE = func(c *cobra.Command, _ []string) error { return failed(c.Help()) }
		c.DisableFlagsInUseLine = true
	case c.HasParent() && c.Parent().Name() == "completion":
		c.Example = completionExamples[c.Name()]
		c.RunE = func(c *cobra.Command, args []string) error { return failed(do(c, args)) }
	}
}

// completionExamples are those of cobra's own commands.
var completionExamples = map[string]string{
	"bash":       "  source <(chanmqttproxy completion bash)",
	"zsh":        "  source <(chanmqttproxy completion zsh)",
	"fish":       "  chanmqttproxy completion fish | source",
	"powershell": "  chanmqttproxy completion powershell | Out-String | Invoke-Expression",
}

// onlyItsOwn refuses what is no command of c.
func onlyItsOwn(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	hint := ""
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + near[0] + "?"
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), hint)
}

// configured is a command that reads the configuration and hands it to do. The
// errors of do are failures.
func configured(c *cobra.Command, do func(*cobra.Command, *config.Config) error) *cobra.Command {
	config.AddFlags(c.Flags())
	config.Complete(func(flag string, choices []string, file bool) { complete(c, flag, choices, file) })
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c)
		if err != nil {
			return err
		}
		return failed(do(c, cfg))
	}
	return c
}

// load reads the configuration of a command.
func load(c *cobra.Command) (*config.Config, error) {
	return config.Load(config.Input{Flags: c.Flags(), Environ: os.Environ(), Subscription: worker.Subscription})
}

// complete tells the shell what it may suggest for a flag: files, or the choices,
// of which there may be none.
func complete(c *cobra.Command, flag string, choices []string, file bool) {
	suggest := cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
	if file {
		suggest = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	if err := c.RegisterFlagCompletionFunc(flag, suggest); err != nil {
		panic(err) // a flag that was not added
	}
}
