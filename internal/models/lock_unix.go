//go:build unix

package models

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock or says that another has it. It ends when f is closed, also by the death of the process.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
