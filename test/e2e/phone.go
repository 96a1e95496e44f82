package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/phone"
)

// CallerNumber is who calls when a test does not say otherwise.
const CallerNumber = "+12025550199"

// Phone is a `parley call` under way. Its recording, which grows as the call goes on, tells when to interfere.
type Phone struct {
	s         *Server
	cmd       *exec.Cmd
	out, errs bytes.Buffer
	wav       string
	report    string
	heard     int // frame of the recording up to which Until has listened
}

// Who speaks in a phone's recording: the channel.
const (
	me = iota
	they
)

const (
	wavHeader = 44
	wavFrame  = 160 // sample frames in 20 ms of the recording
	audible   = 300 // level of a frame that holds speech
	frame     = 20 * time.Millisecond
)

// Dial starts a call from CallerNumber to a number of the server. args are flags of `parley call`.
func (s *Server) Dial(number string, args ...string) *Phone {
	s.t.Helper()
	dir := s.t.TempDir()
	p := &Phone{s: s, wav: filepath.Join(dir, "phone.wav"), report: filepath.Join(dir, "report.json")}
	if !slices.Contains(args, "--from") {
		args = append(args, "--from", CallerNumber)
	}
	args = append([]string{"call", s.URI(number), "--transcript", "--record", p.wav, "--report", p.report}, args...)
	p.cmd = exec.Command(Binary(s.t), args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.cmd.Process.Kill(); _, _ = p.cmd.Process.Wait() })
	return p
}

// Call makes a call from its beginning to its end and returns its transcript and exit code.
func (s *Server) Call(number string, args ...string) (string, int) {
	s.t.Helper()
	return s.Dial(number, args...).Wait()
}

// Wait returns the transcript and the exit code once the call is over.
func (p *Phone) Wait() (transcript string, code int) {
	p.s.t.Helper()
	err := p.cmd.Wait()
	p.s.t.Logf("parley call: %v\n%s%s", err, &p.out, &p.errs)
	return p.out.String(), p.cmd.ProcessState.ExitCode()
}

// HangUp drops the phone: it says no BYE, as one whose line was cut.
func (p *Phone) HangUp() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// Until waits until somebody has spoken for so long, after what the last Until waited for.
func (p *Phone) Until(who int, spoke time.Duration) {
	p.s.t.Helper()
	p.s.Wait([]string{"I speak", "they speak"}[who], 30*time.Second, func() bool {
		loud := 0
		for i, l := range p.levels(who) {
			if i < p.heard || l < audible {
				continue
			}
			if loud++; time.Duration(loud)*frame >= spoke {
				p.heard = i
				return true
			}
		}
		return false
	})
}

// Played returns the phone's recording.
func (p *Phone) Played() audio.Clip {
	p.s.t.Helper()
	b, err := os.ReadFile(p.wav)
	if err != nil {
		p.s.t.Fatal(err)
	}
	return p.s.wav(b)
}

// wantWholeSound wants a packet of the other side's for every 20 ms of the call that is over, silence included.
func (p *Phone) wantWholeSound() {
	p.s.t.Helper()
	var r phone.Result
	b, err := os.ReadFile(p.report)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		p.s.t.Fatal(err)
	}
	if came := time.Duration(r.Stats.Received) * frame; came < time.Duration(r.Length)-10*frame {
		p.s.t.Errorf("of %s %s of sound came", r.Length, came)
	}
}

// levels are the RMS of a channel's frames so far.
func (p *Phone) levels(who int) (all []float64) {
	b, err := os.ReadFile(p.wav)
	if err != nil || len(b) < wavHeader {
		return nil
	}
	for f := range slices.Chunk(b[wavHeader:], 4*wavFrame) {
		sum := 0.0
		for ; len(f) >= 4; f = f[4:] {
			v := float64(int16(binary.LittleEndian.Uint16(f[2*who:])))
			sum += v * v
		}
		all = append(all, math.Sqrt(sum/wavFrame))
	}
	return all
}

// wav reads a recording of two channels.
func (s *Server) wav(b []byte) audio.Clip {
	s.t.Helper()
	c, err := audio.ParseWAV(b)
	if err != nil || c.Channels != 2 {
		s.t.Fatalf("recording of %d bytes, %d channels: %v", len(b), c.Channels, err)
	}
	return c
}

// length is how long a recording of two channels is.
func length(c audio.Clip) time.Duration {
	return time.Duration(len(c.PCM)/c.Channels) * time.Second / time.Duration(c.Rate)
}

// silence makes a file for a phone that has nothing to say for a while.
func silence(t *testing.T, d time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "silence.wav")
	c := audio.Clip{Rate: audio.Narrow, Channels: 1, PCM: make([]int16, audio.Narrow.Samples(d))}
	if err := os.WriteFile(path, c.AppendWAV(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
