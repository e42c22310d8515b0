package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// TestListenByPubSub: the tools are members of a pub/sub layer too.
func TestListenByPubSub(t *testing.T) {
	t.Parallel()
	environ := append(backEnds(t)["pub/sub"], fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t)))
	dev := launch(t, environ, "dev", "--no-demo")
	dev.waitFor("connected to the MQTT broker")
	heard := launch(t, environ, "listen", "house", "--topic", "house/#")
	kit.Eventually(t, shutdown, "the subscription is there", func() bool {
		return strings.Contains(execute(t, environ, "tree").out, "subscription ×1")
	})
	wants(t, execute(t, environ, "send", "publish", "topic=house/x", "payload=on", "retain=false"), 0, []string{"mqtt.published"}, nil)
	heard.waitFor(`"payload":"on"`)
	heard.signal(syscall.SIGINT)
	heard.exits(shutdown, 0)
}

// TestTools: what the command line has for looking at a worker and talking to it.
func TestTools(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	dev := launch(t, []string{"HTTP_LISTEN=" + address, "HTTP_TOKEN=0123456789abcdef"}, "dev", "--no-demo")
	dev.waitFor("connected to the MQTT broker")
	redis := regexp.MustCompile(`redis   ([0-9.:]+) `).FindStringSubmatch(dev.written())[1]
	environ := []string{"HTTP_LISTEN=" + address, "HTTP_TOKEN=0123456789abcdef", "REDIS_URL=redis://" + redis}

	heard := launch(t, environ, "listen", "house", "--topic", "house/#")
	kit.Eventually(t, shutdown, "the subscription is there", func() bool {
		return strings.Contains(execute(t, environ, "tree").out, "subscription ×1")
	})
	wants(t, execute(t, environ, "send", "status"), 0, []string{`"connected":true`, `"type":"mqtt.state"`}, nil)
	wants(t, execute(t, environ, "send", "subscribe", "topic=a/+", "group=g", "qos=1"), 0, []string{`"qos":1`, "mqtt.subscribed"}, nil)
	wants(t, execute(t, environ, "send", "publish", "topic=house/x", `payload={"on": [1, 2.5, "é"]}`, "retain=false"), 0, []string{"mqtt.published"}, nil)
	heard.waitFor(`"payload":{"on":[1,2.5,"é"]}`)
	wants(t, execute(t, environ, "send", "publish", "topic=house/#"), 1, nil, []string{"refuses", "bad-topic"})
	wants(t, execute(t, environ, "send", "unsubscribe", "topic"), 2, nil, []string{"KEY=VALUE"})
	wants(t, execute(t, environ, "send", "unsubscribe", "topic=a/+", "group=g"), 0, []string{"mqtt.unsubscribed"}, nil)
	wants(t, execute(t, environ, "listen", "no group"), 2, nil, []string{"must hold only"})

	var tree messages.Watch
	if err := json.Unmarshal([]byte(execute(t, environ, "tree", "--json").out), &tree); err != nil || len(tree.Actors) < 9 {
		t.Errorf("%v %+v", err, tree)
	}
	wants(t, execute(t, environ[:1], "tree"), 1, nil, []string{"a token is needed"})
	watch := launch(t, environ, "tree", "--watch")
	kit.Eventually(t, shutdown, "it goes on", func() bool { return strings.Count(watch.written(), "receiver") > 1 })
	for _, r := range []*running{watch, heard} {
		r.signal(syscall.SIGINT)
		r.exits(shutdown, 0)
	}
	wants(t, execute(t, []string{fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t))}, "tree"), 1, nil, []string{"does it run with HTTP_LISTEN"})
}
