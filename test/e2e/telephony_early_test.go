package e2e

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

// What a trunk's network plays before the answer: the steps of a scenario.
const (
	// announces is a 183 with a description (RFC 3261 §21.1.5), then sound for two seconds.
	announces = `
  <send><![CDATA[
SIP/2.0 183 Session Progress
` + describes + plays
	plays = `
  <nop><action><exec rtp_stream="sound.ulaw,-1,0"/></action></nop>
  <pause milliseconds="2000"/>`
	// isConfirmed expects a PRACK (RFC 3262 §4).
	isConfirmed = `
  <recv request="PRACK">
    <action><ereg regexp="71 [0-9]+ INVITE" search_in="hdr" header="RAck:" check_it="true" assign_to="checked"/></action>
  </recv>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`
)

// toInvite makes a response one to the INVITE again, after another request has come.
func toInvite(response string) string {
	s := strings.Replace(response, "[last_Via:]", "Via:[$via]", 1)
	s = strings.Replace(s, "[last_CSeq:]", "CSeq: [$seq] INVITE", 1)
	return strings.Replace(s, "[last_To:]", "To:[$to]", 1)
}

// tone is a second of a tone in µ-law, whole periods.
func tone(frequency audio.Hz) []byte {
	t := audio.Tone{Rate: audio.Narrow, Frequency: frequency, Peak: 8000}
	pcm, code := make([]int16, 8000), make([]byte, 8000)
	t.Fill(pcm)
	audio.PCMU.Encode(code, pcm)
	return code
}

// sounds is for how long a tone was said in a call, by its recording.
func (s *Server) sounds(call JSON, frequency float64) (d time.Duration) {
	s.t.Helper()
	clip, err := audio.ParseWAV(s.recording(call, ""))
	if err != nil {
		s.t.Fatal(err)
	}
	const step = 20 * time.Millisecond
	n := clip.Rate.Samples(step)
	for pcm := clip.Channel(1); len(pcm) >= n; pcm = pcm[n:] {
		var re, im float64
		for i, x := range pcm[:n] {
			a := 2 * math.Pi * frequency * float64(i) / float64(clip.Rate)
			re, im = re+float64(x)*math.Cos(a), im+float64(x)*math.Sin(a)
		}
		if rms := audio.RMS(pcm[:n]); rms > 300 && math.Hypot(re, im)*math.Sqrt2/float64(n) > 0.9*rms {
			d += step
		}
	}
	return d
}

// RFC 3960 §3.2: while a transfer waits for its answer the caller hears what the target's network plays, else the tone once it rings, and
// before that nothing.
func TestTheCallerHearsWhatComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	server, port := desk(t)
	const announcement, ringBack = 1000, 400
	keeps := strings.Replace(invited, "<action>", `<action>
      <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>`, 1)
	reliable := strings.Replace(strings.TrimSuffix(announces, plays), "Contact:", "Require: 100rel\nRSeq: 71\nContact:", 1)
	busy := refuses("486 Busy Here")
	wait := `
  <pause milliseconds="2000"/>`
	for _, c := range []struct {
		name            string
		target          []string
		announced, rang time.Duration // at least
	}{
		{"a 183 with sound", []string{invited, announces, busy}, 1500 * time.Millisecond, 0},
		{"a 180, then a 183 with sound", []string{invited, rings, announces, busy}, 1500 * time.Millisecond, 0},
		{"a reliable 183 with sound (RFC 3262)", []string{keeps, reliable, isConfirmed, plays, toInvite(busy)}, 1500 * time.Millisecond, 0},
		{"a 180 alone", []string{invited, rings, wait, busy}, 0, 700 * time.Millisecond},
		{"a 100 alone", []string{invited, strings.Replace(rings, "180 Ringing", "100 Trying", 1), wait, busy}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server.in(t)
			file := filepath.Join(t.TempDir(), "trunk.xml")
			if err := os.WriteFile(file, []byte(whole(trunkBegins, c.target)), 0o600); err != nil {
				t.Fatal(err)
			}
			ended := sipp{scenario: file, sound: tone(announcement), args: []string{"-p", strconv.Itoa(port), "-m", "1", "-timeout", "25s"}}.start(t)
			if !listens("127.0.0.1", port) {
				t.Fatal("sipp does not listen")
			}
			finished := s.dials(t, Number, []string{invites(spokenSDP), answered, acknowledges, isHungUp})
			id := s.talking()
			if v := s.Must("POST", "/api/v1/calls/"+id+"/transfer", JSON{"to": colleague, "mode": "bridged"}); v["outcome"] != "busy" {
				t.Errorf("transfer came to %v", v)
			}
			ended()
			s.endCall(s.call(id)["agent_id"].(string), id)
			finished()
			call := s.final(id, "completed", "ended_by_api")
			announced, rang := s.sounds(call, announcement), s.sounds(call, ringBack)
			if announced < c.announced || c.announced == 0 && announced > 0 || rang < c.rang || c.rang == 0 && rang > 200*time.Millisecond {
				t.Errorf("the caller heard %v of the announcement and %v of our tone", announced, rang)
			}
		})
	}
}
