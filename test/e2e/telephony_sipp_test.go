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
}

// command readies sipp in a directory of its own; report reads what went wrong once it has ended.
func (r sipp) command(t *testing.T) (cmd *exec.Cmd, report func() string) {
	t.Helper()
	scenario, err := filepath.Abs(r.scenario)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sound.ulaw"), r.sound, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("sipp", append([]string{"-sf", scenario, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin",
		"-trace_err", "-error_file", "errors", "-trace_screen", "-screen_file", "screen", "-timeout", "300s"}, r.args...)...)
	cmd.Dir = dir
	return cmd, func() string {
		var all strings.Builder
		for _, name := range []string{"errors", "screen"} {
			b, _ := os.ReadFile(filepath.Join(dir, name))
			all.Write(b[:min(len(b), 4000)])
		}
		return all.String()
	}
}

// call runs sipp as a caller of Number and fails the test unless all calls went as the scenario says.
func (r sipp) call(s *Server) {
	s.t.Helper()
	r.args = append([]string{"-p", strconv.Itoa(freePort(s.t)), "-key", "to", strings.TrimPrefix(Number, "+"), s.SIP}, r.args...)
	cmd, report := r.command(s.t)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("sipp: %v\n%s\n%s", err, out[max(0, len(out)-2000):], report())
	}
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
