package kit

import "syscall"

// dieWithParent has the kernel end a program whose test process was killed
// and could not clean up.
func dieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Pdeathsig = syscall.SIGKILL
	return a
}
