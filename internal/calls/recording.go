package calls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/record"
	"github.com/parley-voice/parley/internal/store"
)

// recordingKey names a call's recording. It begins with the agent, so that all of an agent's lie together.
func recordingKey(c *parley.Call) string { return c.AgentID + "/" + c.ID + ".wav" }

// willRecord names the recording in the call's row before a byte of it is on a disk: whatever happens, a row leads to every recording.
func willRecord(c *parley.Call) {
	if c.Snapshot.Agent.Recording {
		c.Recording = recordingKey(c)
	}
}

// recording is the recording of one call; without one it does nothing.
type recording struct {
	recorder *record.Recorder
	closed   bool
}

// record readies the recording of a call. Nothing is written before the first sound.
func (s *Switchboard) record(ctx context.Context, c *parley.Call) *recording {
	if c.Recording == "" {
		return &recording{}
	}
	return &recording{recorder: record.New(ctx, func(ctx context.Context) (store.Blob, error) {
		return s.deps.Blobs.Create(ctx, c.Recording)
	}, s.log.With("call", c.ID))}
}

// sink is what the conversation hands its sound to; nil when it is not to be kept.
func (r *recording) sink() convo.Recorder {
	if r.recorder == nil {
		return nil
	}
	return r.recorder
}

// close completes the recording and notes in the call what became of it. Repeating it is harmless.
func (r *recording) close(c *parley.Call) {
	if r.closed || r.recorder == nil {
		return
	}
	r.closed = true
	note, saved := r.recorder.Close()
	c.RecordingNote = note
	if !saved {
		c.Recording = ""
	}
}

// Recording opens the recording of a call, with its size and the time it was last written to: RecordingNotFound when there is none.
func (s *Switchboard) Recording(ctx context.Context, actor parley.Actor, callID string) (io.ReadSeekCloser, int64, time.Time, error) {
	c, _, err := s.Get(ctx, actor, callID)
	if err != nil {
		return nil, 0, time.Time{}, err
	}
	missing := parley.Errorf(parley.RecordingNotFound, "Recording not found")
	if c.Recording == "" {
		return nil, 0, time.Time{}, missing
	}
	r, size, err := s.deps.Blobs.Open(ctx, c.Recording)
	if errors.Is(err, store.ErrNoBlob) {
		return nil, 0, time.Time{}, missing
	}
	if err != nil {
		return nil, 0, time.Time{}, fmt.Errorf("calls: open the recording of call %s: %w", callID, err)
	}
	changed := c.UpdatedAt
	if !c.Status.Final() {
		changed = time.Now() // it is being written
	}
	return r, size, changed, nil
}
