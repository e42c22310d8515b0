package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// ofStream is a client whose dead letters are those of a stream's readers.
type ofStream struct {
	layer.Client
	stream string
}

func (o ofStream) DeadLetters(ctx context.Context, offset, limit int) ([]layer.DeadLetter, int, error) {
	return o.StreamLetters(ctx, o.stream, offset, limit)
}

func (o ofStream) DropDeadLetters(ctx context.Context, ids ...string) (int, error) {
	return o.DropStreamLetters(ctx, o.stream, ids...)
}

func (o ofStream) RequeueDeadLetters(ctx context.Context, ids ...string) (int, error) {
	return o.RequeueStreamLetters(ctx, o.stream, ids...)
}

// entryID is what names an entry of a stream.
var entryID = regexp.MustCompile(`^[0-9]{1,20}-[0-9]{1,20}$`)

// validStream checks the name of a stream, and the IDs of dead letters of it.
func validStream(stream string, ids []string) error {
	if err := messages.ValidStream(stream); err != nil {
		return usageError{fmt.Errorf("--stream: %w", err)}
	}
	for _, id := range ids {
		if !entryID.MatchString(id) {
			return usageError{fmt.Errorf("%q is no ID of a stream's dead letter: dead-letters list --stream %s shows them", id, stream)}
		}
	}
	return nil
}

// subjectOf is what a preview of a client's dead letters shows.
func subjectOf(client layer.Client) string {
	if _, ok := client.(ofStream); ok {
		return "TOPIC"
	}
	return "COMMAND"
}

// printStreams prints, below the dead letters of commands, which streams have some too.
func printStreams(ctx context.Context, c *cobra.Command, client layer.Client) error {
	if _, ok := client.(ofStream); ok {
		return nil
	}
	streams, err := client.Streams(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if s.DeadLetters > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "%d more of the readers of stream %s: --stream %s\n", s.DeadLetters, s.Name, s.Name)
		}
	}
	return nil
}
