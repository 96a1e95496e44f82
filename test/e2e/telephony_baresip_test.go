package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

const (
	insideEnv  = "PARLEY_TEST_INSIDE"
	insideAddr = "10.77.0.1"
)

// inside runs the test again in a network namespace with loopback and a pair of veth, without a way out, and a mount namespace, and
// reports whether this is that second run. The first one takes over its result.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		Need(t, "unshare", "ip")
		if os.Geteuid() != 0 {
			t.Skip("needs root, for a network namespace")
		}
		cmd := exec.Command("unshare", "--net", "--mount", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v",
			"-test.timeout", flag.Lookup("test.timeout").Value.String())
		cmd.Env = append(os.Environ(), insideEnv+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("in the namespace: %v", err)
		}
		return false
	}
	for _, args := range []string{
		"link set lo up", "link add va type veth peer name vb", "addr add " + insideAddr + "/24 dev va", "link set va up", "link set vb up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v %s", args, err, out)
		}
	}
	return true
}

// demoLine is a line of the demo's script.
type demoLine struct {
	Say    string     `json:"say"`
	Audio  string     `json:"audio"`
	Expect [][]string `json:"expect"`
}

// demo is the business of `make demo`.
func demo(t *testing.T) (agent JSON, trainings []JSON, script []demoLine) {
	t.Helper()
	b, err := os.ReadFile("../../demo/clinic.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Agent     JSON       `json:"agent"`
		Trainings []JSON     `json:"trainings"`
		Script    []demoLine `json:"script"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d.Agent, d.Trainings, d.Script
}

// demoAgent publishes the demo's agent on numbers.
func (s *Server) demoAgent(numbers ...string) string {
	s.t.Helper()
	body, trainings, _ := demo(s.t)
	id := s.Agent(body, numbers...)
	for _, tr := range trainings {
		s.Must("POST", "/api/v1/agents/"+id+"/trainings", tr)
	}
	s.Must("POST", "/api/v1/agents/"+id+"/publish", nil)
	return id
}

// question is what the demo's caller says in a line, at 8 kHz.
func question(t *testing.T, l demoLine) []int16 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../demo", l.Audio))
	if err != nil {
		t.Fatal(err)
	}
	c, err := audio.ParseWAV(b)
	if err != nil || c.Rate != audio.Narrow || c.Channels != 1 {
		t.Fatalf("%s: %v, %d Hz, %d channels", l.Audio, err, c.Rate, c.Channels)
	}
	return c.PCM
}

// monologue is the demo's lines in one file, each after a pause that leaves time for an answer. The third comes early and interrupts.
func monologue(t *testing.T, script []demoLine) string {
	t.Helper()
	pauses := []time.Duration{
		5500 * time.Millisecond, 5 * time.Second, 4 * time.Second, 6 * time.Second, 6 * time.Second, 8 * time.Second, 10 * time.Second, 7 * time.Second,
	}
	c := audio.Clip{Rate: audio.Narrow, Channels: 1}
	for i, l := range script {
		c.PCM = append(c.PCM, make([]int16, audio.Narrow.Samples(pauses[i]))...)
		c.PCM = append(c.PCM, question(t, l)...)
	}
	c.PCM = append(c.PCM, make([]int16, audio.Narrow.Samples(8*time.Second))...)
	path := filepath.Join(t.TempDir(), "caller.wav")
	if err := os.WriteFile(path, c.AppendWAV(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// soft is a baresip on its way through a call.
type soft struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
}

// baresip calls an address and plays a file; account are parameters of its account.
func baresip(t *testing.T, to, play, account string) *soft {
	t.Helper()
	return baresipAs(t, "<sip:+12025550199@"+insideAddr+">;regint=0"+account, to, play)
}

// baresipAs is baresip with an account of its own.
func baresipAs(t *testing.T, account, to, play string) *soft {
	t.Helper()
	b := &soft{t: t, dir: t.TempDir(), done: make(chan struct{})}
	config := []string{
		"poll_method epoll", "module_path /usr/lib/baresip/modules", "audio_path " + b.dir, "snd_path " + b.dir, "sip_listen 0.0.0.0:5070",
		"audio_source aufile," + play, "audio_player aubridge,nowhere", "audio_alert aubridge,nowhere",
		"ausrc_srate 8000", "ausrc_channels 1", "module g711.so", "module g722.so", "module opus.so",
		"module aufile.so", "module aubridge.so", "module sndfile.so",
		"module srtp.so", "module dtls_srtp.so", "module ice.so", "module_app account.so", "module_app menu.so", "",
	}
	for name, text := range map[string]string{
		"config": strings.Join(config, "\n"), "accounts": account + "\n", "contacts": "",
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.cmd = exec.Command("baresip", "-4", "-s", "-f", b.dir, "-t", "100", "-e", "/dial "+to)
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.out
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(b.done); _ = b.cmd.Wait() }()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		<-b.done
		if t.Failed() {
			t.Logf("baresip:\n%s", &b.out)
		}
	})
	return b
}

// quit ends baresip and returns the sound that it has heard.
func (b *soft) quit() audio.Clip {
	b.t.Helper()
	heard := b.calls()
	if len(heard) != 1 {
		b.t.Fatalf("baresip has recorded %d calls", len(heard))
	}
	return heard[0]
}

// calls ends baresip and returns what it has heard in each call.
func (b *soft) calls() (heard []audio.Clip) {
	b.t.Helper()
	_ = b.cmd.Process.Signal(os.Interrupt)
	<-b.done
	files, _ := filepath.Glob(filepath.Join(b.dir, "*-dec.wav"))
	for _, f := range files { // their names begin with the time
		raw, err := os.ReadFile(f)
		if err != nil {
			b.t.Fatal(err)
		}
		c, err := audio.ParseWAV(raw)
		if err != nil {
			b.t.Fatal(err)
		}
		heard = append(heard, c)
	}
	return heard
}

// loud is for how long a clip of one channel holds sound.
func loud(c audio.Clip) (d time.Duration) {
	n := c.Rate.Samples(frame)
	for f := range slices.Chunk(c.PCM, n) {
		if audio.RMS(f) > audible {
			d += frame
		}
	}
	return d
}

func TestBaresipHoldsTheDemosConversation(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip")
	if !inside(t) {
		return
	}
	s, book := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_EGRESS_ALLOW=10.77.0.0/24,127.0.0.0/8")), newDiary(t)
	s.equip(s.demoAgent(s.DID(s.Trunk(insideAddr, 5070, nil), Number)), book.action())
	s.trunksKnown()
	_, _, script := demo(t)
	phone := baresip(t, s.URI(Number), monologue(t, script), "")
	s.Wait("the agent has hung up", 110*time.Second, func() bool { return s.count("completed") == 1 })
	heard := phone.quit()
	all := turns(s.lastCall())
	for _, turn := range all {
		t.Logf("%-6s %v", turn.(JSON)["who"], turn.(JSON)["text"])
	}
	for i, answer := range answers(all) {
		if i < len(script) && !says(answer["heard"].(string), script[i].Expect) {
			t.Errorf("%q was answered with %q", script[i].Say, answer["heard"])
		}
	}
	if n := len(answers(all)); n != len(script) {
		t.Errorf("%d answers to %d questions", n, len(script))
	} else if answers(all)[1]["interrupted"] != true {
		t.Error("the answer about insurances was not interrupted")
	}
	if d := loud(heard); d < 12*time.Second {
		t.Errorf("baresip has heard %v of sound", d)
	}
	book.check(t, JSON{"time": "10:30"})
}

// answers are the agent's turns after the caller has spoken.
func answers(turns []any) (all []JSON) {
	spoken := false
	for _, t := range turns {
		turn := t.(JSON)
		spoken = spoken || turn["who"] == "caller"
		if spoken && turn["who"] == "agent" {
			all = append(all, turn)
		}
	}
	return all
}

// says looks for a word of each group.
func says(text string, groups [][]string) bool {
	return !slices.ContainsFunc(groups, func(group []string) bool {
		return !slices.ContainsFunc(group, func(word string) bool { return strings.Contains(strings.ToLower(text), word) })
	})
}

func TestBaresipLogsInWithItsPassword(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip")
	if !inside(t) {
		return
	}
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_SIP_ACCEPT=users", "PARLEY_SIP_USERS=anna:rosebud"))
	s.demoAgent(s.DID(s.Trunk("192.0.2.1", 5060, nil), Number))
	phone := baresip(t, s.URI(Number), monologue(t, nil), ";auth_user=anna;auth_pass=rosebud")
	s.Wait("the call is answered", 10*time.Second, func() bool { return s.count("answered") == 1 })
	time.Sleep(2 * time.Second)
	heard := phone.quit()
	s.Wait("the call is over", 10*time.Second, func() bool { return s.count("completed") == 1 })
	if d := loud(heard); d < time.Second {
		t.Errorf("baresip has heard %v of sound", d)
	}
}
