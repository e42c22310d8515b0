package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"chanmqttproxy/runtime/config"
)

// manCommand writes the manual page, which releases bring: hidden, since a build asks for
// it, and nobody else.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Write the manual page",
		Example: "  chanmqttproxy man > chanmqttproxy.1",
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return failed(manual(c.OutOrStdout(), c.Root()))
		},
	}
}

// manual writes one page for the whole command line.
func manual(out io.Writer, root *cobra.Command) error {
	var p page
	day, _, _ := strings.Cut(built(date, "vcs.time", ""), "T")
	p.line(`.TH CHANMQTTPROXY 1 "%s" "chanmqttproxy %s"`, day, versionOf())
	p.line(".SH NAME\nchanmqttproxy \\- the MQTT worker of a Django Channels site")
	p.line(".SH SYNOPSIS\n.B chanmqttproxy\n.I command\n.RI [ flags ]")
	p.section("Description", root.Long)
	p.line(".SH COMMANDS")
	p.commands(root)
	p.section("Settings", "Each can be given as a flag, in the environment (MQTT_HOST for --mqtt-host), or in the file of --config (mqtt_host).")
	p.flags(settingFlags())
	p.section("Files", "A file of settings is only read where --config names it. The packages' unit reads the environment from /etc/chanmqttproxy/chanmqttproxy.env.")
	p.section("Exit status", "0 when done, which a stop by SIGINT or SIGTERM is too; 1 when something failed, and at a second signal; 2 for wrong usage or a faulty configuration.")
	p.line(".SH EXAMPLES")
	p.verbatim(root.Example)
	_, err := io.WriteString(out, p.String())
	return err
}

// settingFlags are the flags that every command with a configuration has.
func settingFlags() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(set)
	return set
}

// page is a manual page in the language of man(7).
type page struct{ strings.Builder }

// line writes a line of the language itself.
func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// text writes what is to be read, with its blank lines as paragraphs.
func (p *page) text(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			p.line(".IP")
		}
		p.line("%s", plainRoff(paragraph))
	}
}

func (p *page) section(name, text string) {
	p.line(".SH %s", strings.ToUpper(name))
	p.line("%s", strings.ReplaceAll(plainRoff(strings.TrimSpace(text)), "\n\n", "\n.PP\n"))
}

func (p *page) verbatim(text string) {
	p.line(".nf\n%s\n.fi", plainRoff(strings.TrimRight(text, "\n")))
}

// commands writes those below c that do something, with the flags of their own.
func (p *page) commands(c *cobra.Command) {
	settings := settingFlags()
	for _, verb := range c.Commands() {
		if !verb.IsAvailableCommand() {
			continue
		}
		if verb.HasSubCommands() {
			p.commands(verb)
			continue
		}
		_, use, _ := strings.Cut(verb.UseLine(), " ")
		p.line(".TP\n.B %s", plainRoff(strings.TrimSuffix(use, " [flags]")))
		if verb.Parent().Name() == "completion" {
			p.text(verb.Short) // cobra's text is long, and not ours
			continue
		}
		p.text(cmp.Or(verb.Long, verb.Short))
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		own.SortFlags = false
		verb.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if settings.Lookup(f.Name) == nil && f.Name != "help" {
				own.AddFlag(f)
			}
		})
		if own.HasFlags() {
			p.line(".RS")
			p.flags(own)
			p.line(".RE")
		}
	}
}

func (p *page) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		p.line(".TP\n.B %s", plainRoff(strings.TrimSpace("--"+f.Name+" "+kind)))
		p.text(usage)
	})
}

// plainRoff is a text in which nothing is a command of the language.
func plainRoff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
