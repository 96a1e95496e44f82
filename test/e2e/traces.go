package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// files lists the files below the data directory whose name ends with suffix.
func (s *Server) files(suffix string) (paths []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return paths
}

// holds lists the files below the data directory that hold one of the words, whatever their case: grep -ria.
func (s *Server) holds(words ...string) (hits []string) {
	s.t.Helper()
	for _, path := range s.files("") {
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
		b = bytes.ToLower(b)
		for _, w := range words {
			if bytes.Contains(b, bytes.ToLower([]byte(w))) {
				hits = append(hits, filepath.Base(path)+": "+w)
			}
		}
	}
	return hits
}

// onlyTheDatabaseIsWritten looks at every file that the server and its workers have open for writing, while an agent whose calls are
// not recorded is on a call.
func (s *Server) onlyTheDatabaseIsWritten(agent string) {
	s.t.Helper()
	for _, pid := range append(s.workers(), s.PID()) {
		for _, path := range written(pid) {
			name := filepath.Base(path)
			if strings.Contains(path, agent) || !strings.HasPrefix(path, s.Data) && name != "serve.log" {
				s.t.Errorf("process %d has %s open for writing", pid, path)
			}
		}
	}
	for _, path := range s.files(".wav") {
		if strings.Contains(path, agent) {
			s.t.Errorf("audio on disk: %s", path)
		}
	}
}

// written are the regular files that a process has open for writing.
func written(pid int) (paths []string) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	fds, _ := os.ReadDir(dir + "fd")
	for _, fd := range fds {
		path, err := os.Readlink(dir + "fd/" + fd.Name())
		info, statErr := os.Stat(dir + "fd/" + fd.Name())
		if err != nil || statErr != nil || !strings.HasPrefix(path, "/") || !info.Mode().IsRegular() || !writable(dir+"fdinfo/"+fd.Name()) {
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// writable reads the access mode of an open file (open(2)) from its fdinfo.
func writable(fdinfo string) bool {
	b, err := os.ReadFile(fdinfo)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseInt(strings.TrimSpace(v), 8, 64)
			return err == nil && flags&int64(os.O_WRONLY|os.O_RDWR) != 0
		}
	}
	return false
}

// workers are the speech processes of the server.
func (s *Server) workers() (pids []int) {
	s.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, alive := process(pid); alive && parent == s.PID() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// running says whether a process has not ended.
func running(pid int) bool {
	_, alive := process(pid)
	return alive
}

// process looks a process up (proc(5)); one that only waits to be collected is not alive.
func process(pid int) (parent int, alive bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	var state string
	_, rest, _ := strings.Cut(string(b), ") ")
	_, err = fmt.Sscan(rest, &state, &parent)
	return parent, err == nil && state != "Z"
}
