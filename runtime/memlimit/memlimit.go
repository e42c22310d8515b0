// Package memlimit finds how much memory the control group of the process may
// take, so that Go's garbage collector can keep within it. (How many processors
// it may use Go finds by itself.)
package memlimit

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// Find returns the lowest limit, in bytes, that holds for the process, of cgroups
// version 2 or 1. The file system is that of the machine, from its root.
func Find(machine fs.FS) (limit int64, found bool) {
	groups, err := fs.ReadFile(machine, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	limit = math.MaxInt64
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			limit = min(limit, lowest(machine, "sys/fs/cgroup", parts[2], "memory.max"))
		case parts[1] == "memory":
			limit = min(limit, lowest(machine, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	// Version 1 writes "none" as nearly the largest number.
	return limit, limit < 1<<60
}

// lowest reads the limits of a group and of those above it. Inside a container
// the path may be that outside of it, and the group at the root.
func lowest(machine fs.FS, root, group, name string) int64 {
	limit := int64(math.MaxInt64)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		content, err := fs.ReadFile(machine, path.Join(root, dir, name))
		if n, bad := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil && bad == nil {
			limit = min(limit, n)
		}
		if dir == "/" {
			return limit
		}
	}
}
