package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	// maxWaiting bounds the requests that one child has taken; more are refused.
	maxWaiting = 256
	// writeTime bounds the wait for the other side to take a frame.
	writeTime = 5 * time.Second
	// stuckAfter is when work that holds a slot counts as hung in native code, which only the end of the process ends.
	stuckAfter = 20 * time.Second
)

// Engines are what a child serves. A nil engine answers speech.ErrUnavailable.
type Engines struct {
	Recognizer  speech.Recognizer
	Synthesizer speech.Synthesizer
	Judge       speech.Judge
	Embedder    llm.Embedder
}

// server answers the requests of one connection.
type server struct {
	engines Engines
	gate    *gate
	stuck   func()

	writing sync.Mutex
	w       *bufio.Writer
	conn    net.Conn

	mu      sync.Mutex
	waiting map[uint32]context.CancelFunc
	work    sync.WaitGroup
}

// serve answers requests until the parent closes the connection or ctx ends; then it ends what is under way and waits for it. stuck
// is called when work hangs: it should end the process.
func serve(ctx context.Context, conn net.Conn, e Engines, slots int, stuck func()) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &server{engines: e, gate: newGate(slots), stuck: stuck, w: bufio.NewWriter(conn), conn: conn, waiting: map[uint32]context.CancelFunc{}}
	defer s.work.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := s.answer(sayReady, 0, readiness{}, nil); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	for {
		f, err := readFrame(r)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("worker: read: %w", err)
		}
		s.dispatch(ctx, f)
	}
}

// dispatch never blocks on work.
func (s *server) dispatch(ctx context.Context, f frame) {
	s.mu.Lock()
	if f.kind == cancelAsk {
		if cancel, ok := s.waiting[f.id]; ok {
			cancel()
		}
		s.mu.Unlock()
		return
	}
	full := len(s.waiting) >= maxWaiting
	if !full {
		work, cancel := context.WithCancel(ctx)
		s.waiting[f.id] = cancel
		s.work.Go(func() {
			defer cancel()
			s.finish(f.id, s.do(work, f))
		})
	}
	s.mu.Unlock()
	if full {
		s.work.Go(func() { s.fail(f.id, fmt.Errorf("%w: %d requests wait already", speech.ErrUnavailable, maxWaiting)) })
	}
}

func (s *server) finish(id uint32, err error) {
	s.mu.Lock()
	delete(s.waiting, id)
	s.mu.Unlock()
	if err != nil {
		s.fail(id, err)
	}
}

// do answers one request; an error is still to be told.
func (s *server) do(ctx context.Context, f frame) error {
	switch f.kind {
	case askTranscribe:
		return s.transcribe(ctx, f)
	case askSay:
		return s.say(ctx, f)
	case askComplete:
		return s.complete(ctx, f)
	case askEmbed:
		return s.embed(ctx, f)
	}
	return fmt.Errorf("worker: request of kind %d", f.kind)
}

// inSlot runs work in a slot, under the eye of a watchdog.
func (s *server) inSlot(ctx context.Context, partial bool, work func(context.Context) error) error {
	ctx, leave, err := s.gate.enter(ctx, partial)
	if err != nil {
		return err
	}
	defer leave()
	dog := time.AfterFunc(stuckAfter, s.stuck)
	defer dog.Stop()
	if err := work(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

func (s *server) transcribe(ctx context.Context, f frame) error {
	var l speech.Listening
	if err := f.into(&l); err != nil {
		return err
	}
	if s.engines.Recognizer == nil {
		return speech.ErrUnavailable
	}
	pcm := unpackPCM(f.body)
	var heard speech.Transcript
	err := s.inSlot(ctx, l.Partial, func(ctx context.Context) (err error) {
		heard, err = s.engines.Recognizer.Transcribe(ctx, pcm, l)
		return err
	})
	if err != nil {
		return err
	}
	return s.answer(sayResult, f.id, heard, nil)
}

func (s *server) say(ctx context.Context, f frame) error {
	var o saying
	if err := f.into(&o); err != nil {
		return err
	}
	if s.engines.Synthesizer == nil {
		return speech.ErrUnavailable
	}
	err := s.inSlot(ctx, false, func(ctx context.Context) error {
		return s.engines.Synthesizer.Say(ctx, o.Text, o.Voice, func(pcm []int16) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return s.answer(saySound, f.id, nil, packPCM(pcm))
		})
	})
	if err != nil {
		return err
	}
	return s.answer(sayResult, f.id, nil, nil)
}

func (s *server) complete(ctx context.Context, f frame) error {
	if s.engines.Judge == nil {
		return speech.ErrUnavailable
	}
	pcm := unpackPCM(f.body)
	var done completion
	err := s.inSlot(ctx, false, func(ctx context.Context) (err error) {
		done.Probability, err = s.engines.Judge.Complete(ctx, pcm)
		return err
	})
	if err != nil {
		return err
	}
	return s.answer(sayResult, f.id, done, nil)
}

// embed takes a slot for each text, so that a call's work gets in between.
func (s *server) embed(ctx context.Context, f frame) error {
	var e embedding
	if err := f.into(&e); err != nil {
		return err
	}
	if s.engines.Embedder == nil {
		return speech.ErrUnavailable
	}
	var all [][]float32
	for i := range e.Texts {
		err := s.inSlot(ctx, false, func(ctx context.Context) error {
			v, err := s.engines.Embedder.Embed(ctx, e.Texts[i:i+1], e.Query)
			all = append(all, v...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.answer(sayResult, f.id, nil, packVectors(all))
}

func (s *server) answer(k kind, id uint32, head any, body []byte) error {
	f, err := newFrame(k, id, head, body)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	return writeFrame(s.w, f)
}

// fail tells the parent; when that fails too, the connection is gone and the parent knows.
func (s *server) fail(id uint32, err error) {
	f := failure{Cause: failedFault, Text: err.Error()}
	switch {
	case errors.Is(err, speech.ErrStale):
		f.Cause = failedStale
	case errors.Is(err, context.Canceled):
		f.Cause = failedCanceled
	case errors.Is(err, speech.ErrUnavailable):
		f.Cause = failedUnavailable
	}
	if s.answer(sayFailed, id, f, nil) != nil {
		s.conn.Close()
	}
}
