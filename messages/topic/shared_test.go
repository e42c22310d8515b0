package topic_test

import (
	"testing"

	"chanmqttproxy/messages/topic"
)

func TestShared(t *testing.T) {
	t.Parallel()
	const filter = "a/+/#"
	shared := topic.Shared(filter)
	if !topic.IsShared(shared) || topic.Unshared(shared) != filter || topic.ValidateFilter(shared) == nil {
		t.Errorf("%q", shared)
	}
	if got := topic.Named(shared, "si/te+#1"); got != "$share/site1/a/+/#" || topic.ValidateFilter(got) != nil {
		t.Errorf("named %q", got)
	}
	if topic.IsShared(filter) || topic.Unshared(filter) != filter || topic.Named(filter, "x") != filter {
		t.Error("a plain filter does not stay as it is")
	}
	if foreign := "$share/x/a"; topic.IsShared(foreign) || topic.Unshared(foreign) != foreign {
		t.Error("one that has a name does not stay as it is")
	}
}
