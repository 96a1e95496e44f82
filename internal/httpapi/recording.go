package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func (a *api) recordingRoute() {
	a.mount(&route{op: op{
		id: "getCallRecording", method: http.MethodGet, path: "/api/v1/calls/{call_id}/recording", tag: "Calls",
		summary: "Get the recording of a call as two-channel WAV, whole or in ranges; beyond the contract", shape: mediaShape, media: "audio/wav",
		codes: []parley.Code{parley.Unauthorized, parley.CallNotFound, parley.RecordingNotFound},
	}, serve: a.recording})
}

func (a *api) recording(w http.ResponseWriter, r *http.Request, actor parley.Actor) error {
	c, _, err := a.deps.Calls.Get(r.Context(), actor, pathID(r, "call_id"))
	if err != nil {
		return err
	}
	if c.Recording == "" {
		return parley.Errorf(parley.RecordingNotFound, "call %s has no recording", c.ID)
	}
	sound, _, err := a.deps.Recordings.Open(r.Context(), c.Recording)
	if errors.Is(err, store.ErrNoBlob) {
		return parley.Errorf(parley.RecordingNotFound, "the recording of call %s is gone", c.ID)
	}
	if err != nil {
		return err
	}
	defer func() { _ = sound.Close() }() // it was only read
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, sound)
	return nil
}
