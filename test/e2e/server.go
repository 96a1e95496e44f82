package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running bin/parley with a data directory of its own.
type Server struct {
	Data, HTTP, SIP, Token string

	t    *testing.T
	args []string
	env  []string
	cmd  *exec.Cmd
	log  *os.File
	exit chan error
}

// Option changes how a server is started.
type Option func(*Server)

// Args adds flags to serve.
func Args(a ...string) Option { return func(s *Server) { s.args = append(s.args, a...) } }

// Env adds environment variables.
func Env(kv ...string) Option { return func(s *Server) { s.env = append(s.env, kv...) } }

// Data uses a directory instead of an empty one of the test's own.
func Data(dir string) Option { return func(s *Server) { s.Data = dir } }

// Binary is the path of the built binary; the test is skipped when it was not built.
func Binary(t *testing.T) string {
	t.Helper()
	p, err := filepath.Abs(cmp.Or(os.Getenv("PARLEY_BINARY"), "../../bin/parley"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p); err != nil {
		t.Skip("needs bin/parley: run `make build`")
	}
	return p
}

// NeedModels skips a test that needs real models.
func NeedModels(t *testing.T) {
	t.Helper()
	if err := exec.Command(Binary(t), "models", "verify").Run(); err != nil {
		t.Skip("needs models: run `bin/parley models fetch`")
	}
}

// Need skips a test that needs a program.
func Need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s: run `make test` as root, which installs it", p)
		}
	}
}

// Start runs a server on an empty data directory with a token of the environment "test".
func Start(t *testing.T, opts ...Option) *Server {
	t.Helper()
	s := &Server{Data: t.TempDir(), t: t}
	for _, o := range opts {
		o(s)
	}
	s.Boot()
	t.Cleanup(s.cleanup)
	s.Token = s.Run("token", "create", "--data", s.Data, "--environment", "test")
	return s
}

var readyLine = regexp.MustCompile(`^ready http=(\S+) sip=(\S+)$`)

// Boot starts the process on the data directory and waits for its ready line.
func (s *Server) Boot() {
	s.t.Helper()
	var err error
	if s.log, err = os.OpenFile(filepath.Join(s.t.TempDir(), "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"serve", "--data", s.Data, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0"}, s.args...)
	s.cmd = exec.Command(Binary(s.t), args...)
	s.cmd.Env = append(append(os.Environ(), "PARLEY_API_RATE_LIMIT=100000", "PARLEY_SIP_TRUNK_CHECK=0s"), s.env...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exit = make(chan error, 1)
	cmd, exit := s.cmd, s.exit
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.HTTP, s.SIP = m[1], m[2]
			go func() { _, _ = io.Copy(io.Discard, out); exit <- cmd.Wait() }()
			return
		}
	}
	err = s.cmd.Wait()
	s.t.Fatalf("serve ended before it was ready: %v\n%s", err, s.Log())
}

// Log is what the server wrote to standard error.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log.Name())
	return string(b)
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the process as a power cut would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exit
	s.cmd = nil
}

// Stop asks the process to end and returns how it did.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	return s.Exited()
}

// Exited waits for the process, which was asked to end, and returns how it did.
func (s *Server) Exited() error {
	s.cmd = nil
	select {
	case err := <-s.exit:
		return err
	case <-time.After(60 * time.Second):
		return fmt.Errorf("still running a minute after SIGTERM")
	}
}

func (s *Server) cleanup() {
	if s.cmd != nil {
		if err := s.Stop(); err != nil {
			s.t.Errorf("serve ended with %v", err)
		}
	}
	if s.t.Failed() {
		log := s.Log()
		s.t.Logf("server log:\n%s", log[max(0, len(log)-8000):])
	}
}

// Run runs a command of the binary and returns its trimmed standard output.
func (s *Server) Run(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(Binary(s.t), args...)
	cmd.Env = append(os.Environ(), s.env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("parley %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// JSON is a decoded body.
type JSON = map[string]any

// Do sends a request, with headers by name and value in turn, and returns status and decoded body.
func (s *Server) Do(method, path string, body any, headers ...string) (int, JSON) {
	s.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+s.HTTP+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	req.Header.Set("Content-Type", "application/json")
	for h := range slices.Chunk(headers, 2) {
		req.Header.Set(h[0], h[1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var v JSON
	b, _ := io.ReadAll(res.Body)
	_ = json.Unmarshal(b, &v)
	return res.StatusCode, v
}

// Must is Do that fails the test on any status but 2xx; it returns data.
func (s *Server) Must(method, path string, body any) JSON {
	s.t.Helper()
	status, v := s.Do(method, path, body)
	if status/100 != 2 {
		s.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	d, _ := v["data"].(JSON)
	return d
}

// Wait polls until f says yes, or fails the test.
func (s *Server) Wait(what string, limit time.Duration, f func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if f() {
			return
		}
	}
	s.t.Fatalf("not within %s: %s", limit, what)
}
