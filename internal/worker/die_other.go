//go:build !linux

package worker

import "syscall"

// dieWithParent has no means here: the closed socket ends the child.
func dieWithParent(*syscall.SysProcAttr) {}
