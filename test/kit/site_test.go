package kit_test

import (
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// commands prints what the site sent to the channel "mqtt", one a line.
const commands = `
import asyncio, json, sys
from channels_redis.core import RedisChannelLayer
async def main():
    layer = RedisChannelLayer(hosts=[sys.argv[1]])
    for _ in range(int(sys.argv[2])):
        print(json.dumps(await layer.receive("mqtt"), ensure_ascii=False))
asyncio.run(main())
`

// event does what a worker does with a message for the group.
const event = `
import asyncio, sys
from channels_redis.core import RedisChannelLayer
message = {"topic": "chat/lobby", "payload": {"text": "jó"}, "qos": 0, "retain": False}
asyncio.run(RedisChannelLayer(hosts=[sys.argv[1]]).group_send(
    "chat_lobby", {"type": "mqtt.message", "message": message}))
`

// The site and the browser do their part, whichever worker serves them.
func TestSite(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	site := kit.Site(t, redis.URL())
	room := kit.Browser(t)
	room.Open(site.URL + "/chat/")
	room.Type("#room", "lobby\n")
	kit.Eventually(t, time.Minute, "the room is connected", func() bool {
		return room.Text("#state") == "connected"
	})
	room.Type("#text", "héllo")
	room.Click("#send")

	const want = `{"type": "mqtt.subscribe", "topic": "chat/lobby", "group": "chat_lobby", "qos": 1}
{"type": "mqtt.publish", "publish": {"topic": "chat/lobby", "payload": "héllo", "qos": 1, "retain": false}}
`
	if got := kit.Python(t, commands, redis.URL(), "2"); got != want {
		t.Errorf("the site sent\n%s\nwant\n%s", got, want)
	}

	kit.Python(t, event, redis.URL())
	kit.Eventually(t, time.Minute, "the room shows the event", func() bool {
		return strings.Contains(room.Text("#log"), `{"text":"jó"}`)
	})
	site.Stop()
}

// The site's own tests, which need no server.
func TestSiteTests(t *testing.T) {
	t.Parallel()
	t.Log(kit.Site(t, kit.Redis(t).URL()).Manage("test"))
}

// A room says that the site is away, and comes back by itself.
func TestSiteAway(t *testing.T) {
	t.Parallel()
	site := kit.Site(t, kit.Redis(t).URL())
	room := kit.Browser(t)
	room.Open(site.URL + "/chat/lobby/")
	connection := func(state string) {
		t.Helper()
		kit.Eventually(t, time.Minute, "the room is "+state, func() bool {
			return room.Text("#state") == state
		})
	}
	connection("connected")
	site.Kill()
	connection("disconnected")
	site.Start()
	connection("connected")
}
