package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sipp is a scenario of bench/sipp or of a test, run against a server or as a trunk.
type sipp struct {
	scenario string // path
	sound    []byte // µ-law for rtp_stream, as sound.ulaw
	args     []string
	screen   bool // log sipp's statistics at the end
}

// start runs sipp in a directory of its own. What it returns waits for the end and fails the test unless all calls went as the scenario
// says.
func (r sipp) start(t *testing.T) (finished func()) {
	t.Helper()
	scenario, err := filepath.Abs(r.scenario)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sound.ulaw"), r.sound, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sipp", append([]string{"-sf", scenario, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin",
		"-trace_err", "-error_file", "errors", "-trace_screen", "-screen_file", "screen", "-timeout", "900s"}, r.args...)...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return func() {
		t.Helper()
		if err := <-ended; err != nil {
			t.Errorf("sipp: %v\n%s", err, trouble(dir))
		} else if r.screen {
			t.Logf("%s", trouble(dir))
		}
	}
}

// trouble is what sipp wrote down of a run.
func trouble(dir string) string {
	var all strings.Builder
	for _, name := range []string{"errors", "screen"} {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		all.Write(b[:min(len(b), 6000)])
	}
	return all.String()
}

// call starts sipp as a caller of a number.
func (r sipp) call(s *Server, number string) (finished func()) {
	s.t.Helper()
	r.args = append([]string{"-p", strconv.Itoa(freePort(s.t)), "-key", "to", strings.TrimPrefix(number, "+"), s.SIP}, r.args...)
	return r.start(s.t)
}

// freePort is a port that is free for UDP and TCP on loopback, for a program that cannot be asked for its own.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp4", pc.LocalAddr().String())
		if err := errors.Join(err, pc.Close()); err == nil {
			_ = l.Close()
			return pc.LocalAddr().(*net.UDPAddr).Port
		}
	}
	t.Fatal("no port is free")
	return 0
}
