package kit

import "syscall"

// dieWithParent has the kernel end a program whose test process was killed
// and could not clean up.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
