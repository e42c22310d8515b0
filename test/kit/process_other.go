//go:build !linux

package kit

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
