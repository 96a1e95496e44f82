package calls

import (
	"context"
	"errors"

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

// recorded says whether a recording has any bytes.
func (s *Switchboard) recorded(ctx context.Context, key string) bool {
	r, _, err := s.deps.Blobs.Open(ctx, key)
	if err != nil {
		return !errors.Is(err, store.ErrNoBlob) // a fault may pass: keep the way to it
	}
	return r.Close() == nil
}
