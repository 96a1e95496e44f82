package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

// usage is what a server and its worker processes hold at a moment, as the system counts it.
type usage struct {
	files, sockets, threads int
	rss                     int           // of the server, in kB
	cpu, workers            time.Duration // spent so far
}

func (u usage) String() string {
	return fmt.Sprintf("files %d (sockets %d), threads %d, memory %d MB, CPU %v and %v in workers", u.files, u.sockets, u.threads, u.rss/1024, u.cpu, u.workers)
}

// use reads /proc of the server.
func (s *Server) use() usage {
	s.t.Helper()
	dir := fmt.Sprintf("/proc/%d", s.PID())
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	u := usage{files: len(fds), cpu: cpuOf(s.PID())}
	for _, fd := range fds {
		if to, err := os.Readlink(dir + "/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			u.sockets++
		}
	}
	tasks, _ := os.ReadDir(dir + "/task")
	u.threads = len(tasks)
	status, _ := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			u.rss, _ = strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	for _, task := range tasks {
		children, _ := os.ReadFile(dir + "/task/" + task.Name() + "/children")
		for _, c := range strings.Fields(string(children)) {
			pid, _ := strconv.Atoi(c)
			u.workers += cpuOf(pid)
		}
	}
	return u
}

// cpuOf is the time that a process has computed; the system counts it in hundredths of a second.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest) // from the third field on; user and system time are the 14th and 15th
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

const callerScenario = "../../bench/sipp/caller.xml"

// load is a run of bench/sipp/caller.xml.
type load struct {
	calls, rate int
	length      time.Duration
	sound       []byte // µ-law, repeated
}

// run makes sipp call Number and fails the test unless every call was answered, had its time and was hung up.
func (l load) run(s *Server) {
	s.t.Helper()
	sipp{scenario: callerScenario, sound: l.sound, args: []string{
		"-m", strconv.Itoa(l.calls), "-r", strconv.Itoa(l.rate), "-l", "2000", "-d", strconv.Itoa(int(l.length.Milliseconds())),
	}}.call(s, Number)()
	s.Wait("no call is open", 20*time.Second, func() bool { return s.count("ringing")+s.count("answered") == 0 })
}

// count is the number of calls of a status; empty counts all.
func (s *Server) count(status string) int {
	s.t.Helper()
	path := "/api/v1/calls?per_page=1"
	if status != "" {
		path += "&status=" + status
	}
	code, v := s.Do("GET", path, nil)
	if code != 200 {
		s.t.Fatalf("list of calls: %d %v", code, v)
	}
	return int(v["pagination"].(JSON)["total"].(float64))
}

// openLine is a second of what is heard of a line on which nobody speaks: noise at -60 dBFS.
func openLine() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	pcm, code := make([]int16, 8000), make([]byte, 8000)
	for i := range pcm {
		pcm[i] = int16(r.NormFloat64() * 33)
	}
	audio.PCMU.Encode(code, pcm)
	return code
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number of at least 1", name, v)
	}
	return n
}

// TestLoad runs calls of sipp's against one agent and looks at what the server holds before and after. bench/sipp/run runs it with 500.
func TestLoad(t *testing.T) {
	NeedModels(t)
	Need(t, "sipp")
	calls, rate := setting(t, "PARLEY_LOAD_CALLS", 60), setting(t, "PARLEY_LOAD_RATE", 10)
	s := Start(t)
	s.Clinic(nil)
	l := load{calls: 20, rate: rate, length: time.Second, sound: openLine()}
	l.run(s) // what is made once: threads, caches, connections
	before := s.use()
	l.calls, l.length = calls, time.Duration(setting(t, "PARLEY_LOAD_SECONDS", 5))*time.Second
	begin := time.Now()
	l.run(s)
	took, spent := time.Since(begin), s.use()
	s.Wait("all files are closed", 10*time.Second, func() bool { return s.use().files <= before.files })
	after := s.use()
	talk := time.Duration(calls) * l.length
	t.Logf("%d calls of %v at %d a second: 0 failed in %v", calls, l.length, rate, took.Round(time.Second))
	t.Logf("before: %v", before)
	t.Logf("after:  %v", after)
	t.Logf("CPU: %.2f %% of a core a call with its beginning and end, and %.2f %% in the workers",
		100*float64(spent.cpu-before.cpu)/float64(talk), 100*float64(spent.workers-before.workers)/float64(talk))
	if done := s.count("completed"); done != calls+20 || s.count("") != done {
		t.Errorf("%d of %d calls are completed, of %d", done, calls+20, s.count(""))
	}
	if after.sockets > before.sockets {
		t.Errorf("%d sockets are open, %d before", after.sockets, before.sockets)
	}
	if grown := after.rss - before.rss; grown > 150<<10 {
		t.Errorf("the server holds %d kB more than before", grown)
	}
	c := s.lastCall()
	if all := turns(c); len(all) == 0 || all[0].(JSON)["heard"] == "" {
		t.Errorf("the last caller was not greeted: %v", all)
	}
}
