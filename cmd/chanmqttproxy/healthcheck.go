package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
)

// healthTimeout bounds the question; the worker has five seconds for its actors.
const healthTimeout = 8 * time.Second

func healthcheckCommand() *cobra.Command {
	live := false
	c := configured(&cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the worker on this machine whether it is ready",
		Long: `Ask the worker at HTTP_LISTEN (by default ` + devListenDefault + `, as for dev and
tree) whether it is ready. If it is, the exit code is 0; else it is 1, and the reasons
are printed. With --live, ask whether it runs as it should, even if its broker or Redis
is unreachable. If not, restart it.`,
		Example: `  HTTP_LISTEN=127.0.0.1:8083 chanmqttproxy healthcheck
  HTTP_LISTEN=:8083 chanmqttproxy healthcheck --live`,
	}, func(c *cobra.Command, cfg *config.Config) error {
		path := "/readyz"
		if live {
			path = "/livez"
		}
		return healthcheck(c.Context(), cfg.HTTP.Listen, path)
	})
	c.Flags().BoolVar(&live, "live", false, "ask whether it runs as it should, not whether it is ready")
	return c
}

func healthcheck(ctx context.Context, listen, path string) error {
	listen = cmp.Or(listen, devListenDefault)
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+path, nil)
	if err != nil {
		return err // a checked address
	}
	// No proxy of the environment stands between us and ourselves.
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return fmt.Errorf("asking the worker: %w; does it run with HTTP_LISTEN=%s?", err, listen)
	}
	defer answer.Body.Close()
	return checkAnswer(answer)
}

// checkAnswer is nil of a good answer, else what the worker says is wrong.
func checkAnswer(answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		Reasons []string
		Reason  string
	}
	if json.NewDecoder(answer.Body).Decode(&said) != nil {
		return fmt.Errorf("another program answers there: %s", answer.Status)
	}
	return errors.New("not well: " + strings.TrimSuffix(strings.Join(append(said.Reasons, said.Reason), "; "), "; "))
}

// reachable is where a listener answers on this machine.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && ip == netip.IPv6Unspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
