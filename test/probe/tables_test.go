package probe_test

import (
	"testing"

	"chanmqttproxy/actors"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/probe"
)

func TestTables(t *testing.T) {
	t.Parallel()
	conform.TablesSuite(t, func(*testing.T) conform.Tables {
		tables := probe.NewTables()
		return conform.Tables{
			Writer:   func(slot int, epoch uint64) conform.TableWriter { return tables.Writer(slot, epoch) },
			Follower: func() actors.Registry { return tables },
			Lose:     tables.Lose,
		}
	})
}
