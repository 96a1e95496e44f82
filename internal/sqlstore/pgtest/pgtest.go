// Package pgtest runs a private PostgreSQL server for tests: a fresh cluster in a temporary directory, reached over a Unix socket, so
// that it needs no port and meets no other server. It syncs nothing to the disk and dies with the test binary.
//
// A binary's TestMain calls Main; its tests ask Database for an empty database of the shared server. Who wants to see an outage takes
// a server of its own with Start.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
)

// Remedy tells how to get what is missing.
const Remedy = "apt-get install postgresql"

const (
	startLimit = 60 * time.Second
	startPoll  = 50 * time.Millisecond
)

// errMissing says that no server can be run here.
var errMissing = errors.New("PostgreSQL is missing: " + Remedy)

// Server is a private PostgreSQL server.
type Server struct {
	bin, dir string
	as       *syscall.Credential // nil when not root; the server refuses to run as root

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

// shared is the server of the test binary.
var shared struct {
	sync.Mutex
	server *Server
	err    error
	count  int
}

// Main runs the tests of a binary and then stops its shared server: os.Exit(pgtest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.remove()
	}
	return code
}

// Database makes an empty database on the shared server of the test binary and returns its URL. It skips the test when there is no
// PostgreSQL.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = start()
	}
	if shared.err != nil {
		giveUp(t, shared.err)
	}
	shared.count++
	return shared.server.create(t, fmt.Sprintf("test%d", shared.count))
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	if err != nil {
		giveUp(t, err)
	}
	t.Cleanup(s.remove)
	return s
}

func giveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	t.Fatal(err)
}

// URL names a database of the server.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s", database, s.dir)
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.create(t, "test")
}

func (s *Server) create(t testing.TB, name string) string {
	t.Helper()
	if err := s.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.URL(name)
}

// Stop ends the server as an outage would: open connections are cut. Up brings it back.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.stop()
}

// Up starts the stopped server on the same data.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
}

// Dir is where the server keeps its files.
func (s *Server) Dir() string { return filepath.Join(s.dir, "data") }

func start() (*Server, error) {
	s := new(Server)
	var err error
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.as, err = unprivileged(); err != nil {
		return nil, err
	}
	base := os.TempDir()
	if s.as != nil && !reachable(base) {
		base = "/tmp"
	}
	if s.dir, err = os.MkdirTemp(base, "parley-pg-"); err != nil {
		return nil, err
	}
	if err = s.initialize(); err == nil {
		err = s.up()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// reachable says whether every user may enter a folder: a private TMPDIR of ours keeps the server's user out.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// binaries finds the folder of initdb and postgres: Debian keeps it out of PATH, a version a folder.
func binaries() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errMissing
	}
	return filepath.Dir(slices.Max(found)), nil
}

// unprivileged gives the user postgres to run as when we are root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w (no user postgres)", errMissing)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

func (s *Server) initialize() error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	cmd := s.command("initdb", "--pgdata", s.Dir(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

func (s *Server) up() error {
	cmd := s.command("postgres", "-D", s.Dir(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "synchronous_commit=off", "-c", "max_connections=200", "-c", "log_min_messages=fatal", "-c", "autovacuum=off")
	begun, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		// The kernel sends Pdeathsig when the thread ends that started the process, so it stays with this goroutine.
		runtime.LockOSThread()
		err := cmd.Start()
		begun <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-begun; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.mu.Lock()
	s.cmd, s.done = cmd, done
	s.mu.Unlock()
	return s.ready(done)
}

func (s *Server) ready(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("postgres ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready after %s: %w", startLimit, err)
		case <-time.After(startPoll):
		}
	}
}

func (s *Server) exec(ctx context.Context, statement string) (err error) {
	db, err := sql.Open("pgx", s.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT) // fast: running transactions are cut off
	<-s.done
	s.cmd = nil
}

func (s *Server) remove() {
	s.stop()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
