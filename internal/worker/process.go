package worker

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// startTime bounds the loading of the engines.
	startTime = 30 * time.Second
	// inheritedFD is the child's end of the socket: the first file after the standard three.
	inheritedFD = 3
)

// process is a child that has loaded its engines.
type process struct {
	*client
	cmd    *exec.Cmd
	reader *bufio.Reader
	errs   *crash
}

// spawn starts a child. It must be called from a thread that lives on, since the child dies with the thread (on Linux): its end of
// the socket says so too, but a child that is stopped does not read.
func spawn(cmd *exec.Cmd) (*process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("worker: make a socket pair: %w", err)
	}
	defer theirs.Close()
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("worker: use a socket pair: %w", err)
	}
	p := &process{client: newClient(conn), cmd: cmd, reader: bufio.NewReader(conn), errs: &crash{}}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = p.errs
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the parent, who may still need us
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("worker: start: %w", err)
	}
	return p, nil
}

// ready waits until the child has loaded its engines.
func (p *process) ready() error {
	if err := p.conn.SetReadDeadline(time.Now().Add(startTime)); err != nil {
		return err
	}
	f, err := readFrame(p.reader)
	if err != nil {
		return fmt.Errorf("worker: no sign of life from a new process: %w", err)
	}
	var r readiness
	if err := f.into(&r); err != nil {
		return err
	}
	if f.kind != sayReady || r.Fault != "" {
		return fmt.Errorf("worker: a new process cannot work: %s", r.Fault)
	}
	return p.conn.SetReadDeadline(time.Time{})
}

// end closes the connection, which ends a healthy child, kills one that stays, and waits for it. It returns how it ended.
func (p *process) end(grace time.Duration) error {
	p.conn.Close()
	kill := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	return p.cmd.Wait()
}

// memory is the resident memory of the child in bytes, 0 where that is not known.
func (p *process) memory() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func socketPair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "parent"), nil
}

// inherited is the child's end of the socket.
func inherited() (net.Conn, error) {
	f := os.NewFile(inheritedFD, "parent")
	if f == nil {
		return nil, errors.New("worker: started by hand: the server starts its workers itself")
	}
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("worker: started by hand: the server starts its workers itself (%w)", err)
	}
	return conn, nil
}

// crash keeps the beginning of what a child wrote to standard error, where a fault names itself, for the log line about its death.
type crash struct {
	mu sync.Mutex
	b  []byte
}

// maxCrash is how much of it is kept, in bytes.
const maxCrash = 2048

// Write keeps what still fits of b.
func (c *crash) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b = append(c.b, b[:min(len(b), maxCrash-len(c.b))]...)
	return len(b), nil
}

// String is what was kept.
func (c *crash) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.b)
}
