package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lookAtAll looks at everything that this process has started, too.
func (r *rig) lookAtAll() usage {
	u := r.look(nil)
	for _, pid := range descendants(strconv.Itoa(os.Getpid()), children()) {
		u.add(pid)
	}
	return u
}

// children are the processes of the machine, by their parent.
func children() map[string][]string {
	list := map[string][]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, behindName, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(behindName); len(fields) > 1 {
			list[fields[1]] = append(list[fields[1]], filepath.Base(filepath.Dir(file)))
		}
	}
	return list
}

// descendants are the children of a process, and theirs.
func descendants(pid string, children map[string][]string) (list []string) {
	for _, child := range children[pid] {
		list = append(append(list, child), descendants(child, children)...)
	}
	return list
}
