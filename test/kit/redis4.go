package kit

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Redis4 starts a server that answers as Redis 4 does, which knows no ZPOPMIN, no
// users and no RESP3, and returns its "host:port".
func Redis4(t testing.TB) string {
	t.Helper()
	m := miniredis.RunT(t)
	var refused sync.Map // hashes of scripts that take messages
	m.Server().SetPreHook(func(c *server.Peer, name string, args ...string) bool {
		name = strings.ToUpper(name)
		if name == "EVAL" && strings.Contains(args[0], "ZPOPMIN") {
			refused.Store(fmt.Sprintf("%x", sha1.Sum([]byte(args[0]))), nil)
		}
		switch name {
		case "INFO":
			c.WriteBulk("# Server\r\nredis_version:4.0.14\r\nredis_mode:standalone\r\n")
		case "HELLO", "ACL", "ZPOPMIN", "BZPOPMIN":
			c.WriteError("ERR unknown command '" + name + "'")
		case "EVAL", "EVALSHA":
			_, known := refused.Load(args[0])
			if !known && !strings.Contains(args[0], "ZPOPMIN") {
				return false
			}
			c.WriteError("ERR Error running script (call to f_0): @user_script:8: @user_script: 8: Unknown Redis command called from Lua script")
		default:
			return false
		}
		return true
	})
	return m.Addr()
}
