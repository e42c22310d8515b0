package kit_test

import (
	"testing"

	"chanmqttproxy/test/kit"
)

// What was committed is there after a restart.
func TestPostgres(t *testing.T) {
	t.Parallel()
	p := kit.Postgres(t)
	p.Query("create table lamps (name text); insert into lamps values ('hall')")
	p.Stop()
	p.Start()
	if got := p.Query("select name, 1 from lamps"); got != "hall|1" {
		t.Errorf("got %q", got)
	}
}
