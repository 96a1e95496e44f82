package phone

import (
	"encoding/json"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// Millis is a duration that JSON shows in milliseconds.
type Millis time.Duration

// MarshalJSON writes a number of milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(m) / float64(time.Millisecond))
}

// UnmarshalJSON reads a number of milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) error {
	var v float64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = Millis(v * float64(time.Millisecond))
	return nil
}

func (m Millis) String() string { return time.Duration(m).Round(time.Millisecond).String() }

// Result is what became of a call.
type Result struct {
	Code       int            `json:"code"`             // exit code
	Status     int            `json:"status,omitempty"` // SIP status of a call that was not answered; 0 when none came
	Reason     string         `json:"reason,omitempty"` // why it was not answered
	Cause      media.EndCause `json:"cause,omitempty"`  // who ended it; empty when we did
	Length     Millis         `json:"length_ms"`        // from the answer
	Lines      []Measured     `json:"lines"`            // that were said to their end
	Transcript []Entry        `json:"transcript,omitempty"`
	Stats      media.Stats    `json:"stats"`
}

// Measured is what the wire told of a spoken line. Times are counted from the answer to edges of the waveform.
type Measured struct {
	Line  int    `json:"line"` // place in the plan, from 1
	Begin Millis `json:"begin_ms"`
	End   Millis `json:"end_ms"`
	// Reply is mouth to ear: from our last sound to the first of the answer. Nil when none came.
	Reply *Millis `json:"reply_ms,omitempty"`
	// Stop is from our first sound to the last of what we interrupted. Nil when the other side was not speaking, or never stopped.
	Stop *Millis `json:"stop_ms,omitempty"`
	// Interrupts says that the other side was speaking when we began.
	Interrupts bool `json:"interrupts,omitempty"`
}

func (c *conversation) result() Result {
	r := Result{Code: c.code, Length: Millis(c.now.time()), Transcript: c.scribe.entries, Lines: []Measured{}}
	select {
	case <-c.leg.Done():
		r.Cause = c.leg.Cause()
	default:
	}
	for _, m := range c.measures {
		if !m.done {
			continue
		}
		out := Measured{Line: m.line, Begin: Millis(m.begin.time()), End: Millis(m.end.time()), Interrupts: m.interrupts}
		if m.answered {
			out.Reply = new(Millis((m.onset - m.end).time()))
		}
		if m.stopped {
			out.Stop = new(Millis((m.stop - m.begin).time()))
		}
		r.Lines = append(r.Lines, out)
	}
	return r
}
