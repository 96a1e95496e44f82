package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/parley-voice/parley"
)

// call is what the API tells of a call.
type call struct {
	ID           string        `json:"id"`
	Status       string        `json:"status"`
	EndedReason  string        `json:"ended_reason"`
	RecordingURL string        `json:"recording_url"`
	Turns        []parley.Turn `json:"turns"`
	Messages     []parley.TakenMessage
}

func (c call) final() bool { return parley.CallStatus(c.Status).Final() }

// watch prints the conversation as the API shows it, turn by turn, until the call is final or ctx ends.
func (s *server) watch(ctx context.Context, w io.Writer) (call, error) {
	var c call
	printed := 0
	beat := time.NewTicker(250 * time.Millisecond)
	defer beat.Stop()
	for {
		var err error
		if c, err = s.newest(ctx); err != nil && ctx.Err() == nil {
			return c, err
		}
		for ; printed < len(c.Turns); printed++ {
			show(w, c.Turns[printed])
		}
		if c.ID != "" && c.final() {
			return c, nil
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return c, context.Cause(ctx)
		}
	}
}

// newest reads the newest call with its turns; a zero call when there is none yet.
func (s *server) newest(ctx context.Context) (c call, err error) {
	v, err := s.ask(ctx, "GET", "/api/v1/calls?per_page=1", nil)
	if err != nil {
		return c, err
	}
	rows, _ := v["data"].([]any)
	if len(rows) == 0 {
		return c, nil
	}
	d, err := s.get(ctx, "GET", fmt.Sprintf("/api/v1/calls/%v", rows[0].(object)["id"]), nil)
	if err != nil {
		return c, err
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(raw, &c)
}

func show(w io.Writer, t parley.Turn) {
	if t.Who == parley.WhoCaller {
		fmt.Fprintf(w, "  caller  %s\n", t.Text)
		return
	}
	text := t.Text
	if t.Heard != nil && t.Interrupted {
		text = *t.Heard + " — (interrupted)"
	}
	fmt.Fprintf(w, "  agent   %s\n", text)
	if t.ReplyTo != nil {
		m := t.Timing
		fmt.Fprintf(w, "          %d ms = endpointing %d + recognition %d + model %d + first audio %d\n",
			m.Endpointing+m.Recognition+m.Model+m.FirstAudio, m.Endpointing, m.Recognition, m.Model, m.FirstAudio)
	}
}
