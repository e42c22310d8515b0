package layer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// refuseHook sees every answer of a host. It logs each kind of refusal once, and gives
// the callers of a transaction the error that it was aborted for.
type refuseHook struct{ *server }

// DialHook changes nothing.
func (h refuseHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook looks at the answer to a command.
func (h refuseHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.see(cmd, err)
		return err
	}
}

// ProcessPipelineHook looks at all answers of a pipeline or transaction.
func (h refuseHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.see(cmd, cmd.Err())
			if redis.HasErrorPrefix(err, "EXECABORT") && cmd.Err() != nil {
				err = cmd.Err()
			}
		}
		return err
	}
}

// see logs an answer, if it is the first of a kind of refusal.
func (h refuseHook) see(cmd redis.Cmder, err error) {
	var answer redis.Error
	if err == nil || err == redis.Nil || !errors.As(err, &answer) {
		return
	}
	r := refusalIn(answer.Error())
	if r.kind == "" || r.kind == "LATE" { // which is a consequence
		return
	}
	if cmd.Name() == "hello" && r.kind == "unknown command" {
		return // Redis 5: go-redis does without it
	}
	c := h.inbox.client
	key := h.host.Name() + " " + r.kind
	if r.kind == "unknown command" && !strings.HasPrefix(cmd.Name(), "eval") {
		key += " " + cmd.Name() // where a script runs it Redis does not say which
	}
	if c.config.Refusals.fresh(key, time.Now()) {
		text, _, _ := strings.Cut(answer.Error(), ", with args")
		c.log.Warn(r.words, "host", h.host.Name(), "doing", doing(cmd), "error", text)
	}
}

// doing names a command and its keys, of a script all that it was given as keys.
func doing(cmd redis.Cmder) string {
	args := cmd.Args()
	switch {
	case len(args) < 2:
		return cmd.Name()
	case strings.HasPrefix(cmd.Name(), "eval") && len(args) > 3:
		n, _ := args[2].(int)
		return fmt.Sprint("a script with the keys ", args[3:min(3+n, len(args), 8)])
	}
	return fmt.Sprint(cmd.Name(), " ", args[1])
}
