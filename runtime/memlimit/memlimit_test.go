package memlimit_test

import (
	"testing"
	"testing/fstest"

	"chanmqttproxy/runtime/memlimit"
)

func TestFind(t *testing.T) {
	t.Parallel()
	const v2, v1 = "0::/a/b\n", "12:cpu:/x\n9:memory:/a\n1:name=systemd:/\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  int64 // 0: none
	}{
		"none":           {map[string]string{}, 0},
		"v2":             {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 1000},
		"v2 above":       {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "500\n"}, 500},
		"v2 unlimited":   {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/b/memory.max": "max\n"}, 0},
		"v2 container":   {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "700\n"}, 700},
		"v2 other names": {map[string]string{"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/memory.max": "700\n"}, 700},
		"v1":             {map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "900\n"}, 900},
		"v1 unlimited":   {map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"nonsense":       {map[string]string{"proc/self/cgroup": "x\n", "sys/fs/cgroup/memory.max": "700\n"}, 0},
	} {
		machine := fstest.MapFS{}
		for path, content := range test.files {
			machine[path] = &fstest.MapFile{Data: []byte(content)}
		}
		if got, found := memlimit.Find(machine); found != (test.want > 0) || found && got != test.want {
			t.Errorf("%s: %d %v, want %d", name, got, found, test.want)
		}
	}
}
