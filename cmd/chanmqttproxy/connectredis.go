package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
)

// badClock is the clock difference that is worth a warning: messages live by
// their senders' clocks.
const badClock = time.Second

// leastRedis is the first version with ZPOPMIN and BZPOPMIN, which channels_redis
// needs.
const leastRedis = 5

// checkRedis says how the layer's servers are.
func checkRedis(ctx context.Context, client layer.Client, prefix string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r, err := client.Check(ctx)
	if err == nil {
		err = unfit(r)
	}
	if err != nil {
		return "", err
	}
	clock := r.ClockDifference.Round(time.Millisecond)
	// The one of `dev` names neither version nor mode.
	found := fmt.Sprintf("%s, answers in %v, clock differs by %v, %d commands wait",
		strings.TrimSpace("Redis "+strings.TrimSpace(r.Version+" "+r.Mode)), r.RoundTrip.Round(time.Microsecond), clock, r.Waiting)
	if clock.Abs() >= badClock {
		found += "\n           Set the clocks: messages expire by the clocks of those who send them."
	}
	if off := layer.Clocks(-clock, r.Site); r.Site != (layer.SiteClock{}) && off != "" {
		found += "\n           Set the clocks by NTP: " + off + "."
	}
	return found + otherPrefixes(ctx, client, prefix) + holders(ctx, client), nil
}

// The servers that answer and cannot be used.
var (
	errCluster = errors.New("it is a Redis Cluster, which channels_redis cannot use")
	errOld     = errors.New("it is older than Redis 5, which channels_redis cannot use")
)

func unfit(r layer.Report) error {
	major, _, _ := strings.Cut(r.Version, ".")
	version, err := strconv.Atoi(major)
	switch {
	case r.Mode == "cluster":
		return errCluster
	case err == nil && version < leastRedis:
		return errOld
	}
	return nil
}

// otherPrefixes says under which prefixes there are groups, where ours is not among
// them. A site that does not run has none: it is no failure.
func otherPrefixes(ctx context.Context, client layer.Client, prefix string) string {
	found, err := client.Prefixes(ctx)
	if err != nil || found[prefix] > 0 {
		return ""
	}
	var others []string
	for other := range found {
		others = append(others, strconv.Quote(other))
	}
	slices.Sort(others)
	if len(others) == 0 {
		return "\n           There is no group in it yet: nobody of the site has joined one."
	}
	return fmt.Sprintf("\n           Nobody has joined a group under the prefix %q, but under %s: is it the site's prefix?",
		prefix, strings.Join(others[:min(len(others), 5)], ", "))
}

// holders says who holds which session slot. Where no worker runs there is nothing to say.
func holders(ctx context.Context, client layer.Client) string {
	a, err := client.Leases(ctx)
	if err != nil || a.Workers == 0 {
		return ""
	}
	said := ""
	for _, s := range a.Slots {
		said += fmt.Sprintf("\n           Session %d: %s", s.Number, heldBy(s))
	}
	return said
}

// redisAdvice is what to do about a Redis that cannot be used. Redis begins its
// errors with a word that says what they are.
func redisAdvice(cfg *config.Config, err error) string {
	setting := cfg.Where(redisSetting(cfg))
	if err == nil {
		return ""
	}
	switch mqtt.DetailOf(err) {
	case messages.NameNotFound:
		return "Is the name in " + setting + " right, and can it be looked up on this machine?"
	case messages.UnknownAuthority:
		return "Is the certificate of the authority (CA) that signed that of Redis in ssl_ca_certs of " + setting + "?"
	case messages.OtherName:
		return "Is the name in " + setting + " one that the certificate of Redis is for?"
	case messages.OutOfDate:
		return "Has the certificate of Redis expired, or is this machine's clock wrong?"
	}
	for _, known := range []struct{ word, hint string }{
		{errCluster.Error(), "Give a Redis that is no cluster, alone or watched by Sentinels, in " + setting + " and in the site."},
		{"CLUSTERDOWN", "It is part of a Redis Cluster, which channels_redis cannot use: give another in " + setting + " and in the site."},
		{"MOVED", "It is part of a Redis Cluster, which channels_redis cannot use: give another in " + setting + " and in the site."},
		{errOld.Error(), "Give Redis 5 or newer in " + setting + " and in the site."},
		{"WRONGPASS", "Are user and password in " + setting + " right?"},
		{"NOAUTH", "It wants a password: give one in " + setting + "."},
		{"ERR AUTH", "It has no password, or knows no users (before Redis 6): leave them out in " + setting + "."},
		{"NOPERM", "The user has too few rights: runtime/layer/README.md lists those that the worker needs."},
		{"undeclared key", "It lets a script use only the keys that a command names beforehand, as Dragonfly does: start it with --default_lua_flags=allow-undeclared-keys."},
		{"DB index", "It has no database of that number: which one is in " + setting + "?"},
		{"no master of that name", "Is master_name in " + setting + " what the Sentinels call it?"},
		{"asking where the master", "Are the Sentinels running, and are their addresses and sentinel_kwargs in " + setting + " right?"},
	} {
		if strings.Contains(err.Error(), known.word) {
			return known.hint
		}
	}
	return "Is Redis running there, and is " + setting + " right?"
}
