package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/worker"
)

func deadLettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "dead-letters",
		Short: "Show, resend or delete commands and messages that failed",
		Long: `A command that was invalid, or that the broker refused for good, becomes a dead letter
in Redis. Redis keeps the newest DEAD_LETTERS of them, for DEAD_LETTER_AGE. If one is
larger than DEAD_LETTER_BYTES, only its beginning is kept, and it can't be put back.

With --stream NAME, the dead letters are messages that the readers of that stream could
not handle. The stream of a site's handlers is called "handlers". Messages that are put
back come after those that are in the stream.`,
		Example: `  chanmqttproxy dead-letters list --page 2
  chanmqttproxy dead-letters replay 17d0c2a5
  chanmqttproxy dead-letters list --stream handlers
  chanmqttproxy dead-letters drop --all`,
	}
	all := false
	drop := lettersCommand("drop", "Delete the dead letters with the given IDs, or all", func(ctx context.Context, c *cobra.Command, client layer.Client, ids []string) error {
		return dropLetters(ctx, c, client, ids, all)
	}, cobra.ArbitraryArgs)
	drop.Flags().BoolVar(&all, "all", false, "delete all, without asking")
	c.AddCommand(
		lettersCommand("list", "List the dead letters, the newest first, without payloads", listLetters, cobra.NoArgs),
		drop,
		lettersCommand("replay", "Send the dead letters with the given IDs again, or all", requeueLetters, cobra.ArbitraryArgs),
	)
	return c
}

// letters is what a verb does with the dead letters.
type letters func(ctx context.Context, c *cobra.Command, client layer.Client, ids []string) error

func lettersCommand(verb, short string, do letters, args cobra.PositionalArgs) *cobra.Command {
	use := verb
	if verb != "list" {
		use += " [ID...]"
	}
	example := map[string]string{"list": " --page 2", "replay": " 17d0c2a5", "drop": " --all"}[verb]
	c := configured(&cobra.Command{Use: use, Short: short, Example: "  chanmqttproxy dead-letters " + verb + example}, func(c *cobra.Command, cfg *config.Config) error {
		client := layer.Open(worker.LayerConfig(cfg), slog.New(slog.DiscardHandler))
		defer client.Close()
		ids := c.Flags().Args()
		stream := c.Flags().Lookup("stream").Value.String()
		if stream == "" {
			return do(c.Context(), c, client, ids)
		}
		if err := validStream(stream, ids); err != nil {
			return err
		}
		return do(c.Context(), c, ofStream{client, stream}, ids)
	})
	c.Args = args
	c.Flags().String("stream", "", "the dead letters of this stream")
	if verb == "list" {
		c.Flags().Int("page", 1, "which page, of 50 each")
	}
	return c
}

// pageSize is how many dead letters are listed at a time.
const pageSize = 50

func listLetters(ctx context.Context, c *cobra.Command, client layer.Client, _ []string) error {
	page, err := c.Flags().GetInt("page")
	if err != nil {
		return err
	}
	if page < 1 {
		return usageError{fmt.Errorf("--page %d: pages count from 1", page)}
	}
	list, total, err := client.DeadLetters(ctx, (page-1)*pageSize, pageSize)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tTIME\tBYTES\t"+subjectOf(client)+"\tREASON")
	for _, l := range list {
		reason := l.Reason
		if l.SHA256 != "" {
			reason += "; only its beginning is kept: it cannot be put back (SHA-256 " + l.SHA256 + ")"
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%s\t%s\n", l.ID, l.Time.Local().Format(time.DateTime), l.Size, l.Preview, reason)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if more := total - page*pageSize; more > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "%d more of %d: --page %d\n", more, total, page+1)
	}
	return printStreams(ctx, c, client)
}

func dropLetters(ctx context.Context, c *cobra.Command, client layer.Client, ids []string, all bool) error {
	switch {
	case all && len(ids) > 0:
		return usageError{errors.New("give IDs or --all, not both")}
	case all || len(ids) > 0:
	case !term.IsTerminal(int(os.Stdin.Fd())):
		return usageError{errors.New("give the IDs of those to drop, or --all")}
	case !agreed(os.Stdin, c.OutOrStdout(), "Drop all dead letters for good?"):
		return errors.New("nothing was dropped, as you did not answer yes")
	}
	n, err := client.DropDeadLetters(ctx, ids...)
	return printCount(c, "dropped", n, ids, err)
}

func requeueLetters(ctx context.Context, c *cobra.Command, client layer.Client, ids []string) error {
	n, err := client.RequeueDeadLetters(ctx, ids...)
	return printCount(c, "put back", n, ids, err)
}

// agreed asks, and says whether the answer is yes.
func agreed(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprint(out, question+" [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// printCount prints how many there were. An ID that is not there is a failure.
func printCount(c *cobra.Command, done string, n int, ids []string, err error) error {
	if err != nil && !errors.As(err, new(*layer.IncompleteLetters)) && !errors.As(err, new(*layer.UnreadableLetters)) {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %d\n", done, n)
	if err != nil {
		return err
	}
	if n < len(ids) {
		return fmt.Errorf("%d of the %d dead letters do not exist: dead-letters list shows those that do", len(ids)-n, len(ids))
	}
	return nil
}
