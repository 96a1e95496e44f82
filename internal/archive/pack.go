package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// page is how many calls are read at a time.
	page = 50
	// buffered is how much is sealed and written at a time.
	buffered = 64 << 10
	// longestRest is how long the packing pauses after a page, half as long as it worked, so that calls find the processor and the disk free.
	longestRest = 50 * time.Millisecond
)

// pack is an archive that is being written. Its last file lists all others with their SHA-256, as sha256sum -c reads it; the list waits in a
// file of its own, since it has a line for each call.
type pack struct {
	a    *Archives
	id   string
	file store.Blob
	list store.Blob
	out  *bufio.Writer
	seen *bufio.Writer // of the list
	tar  *tar.Writer
	sum  hash.Hash // of the whole archive
	done parley.Export
}

func (a *Archives) newPack(ctx context.Context, id string) (*pack, error) {
	file, err := a.deps.Files.Create(ctx, fileOf(id))
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Files.Create(ctx, listOf(id))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p := &pack{a: a, id: id, file: file, list: list, sum: sha256.New(), seen: bufio.NewWriterSize(list, buffered)}
	p.out = bufio.NewWriterSize(io.MultiWriter(file, p.sum, (*counter)(&p.done.Bytes)), buffered)
	p.tar = tar.NewWriter(p.out)
	return p, nil
}

// counter counts what goes by.
type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

func (p *pack) close() error { return errors.Join(p.file.Close(), p.list.Close()) }

func (p *pack) all(ctx context.Context, agent *parley.Agent, told func(parley.Export)) error {
	if err := p.agent(ctx, agent); err != nil {
		return err
	}
	for after := (store.Step{}); ; {
		begun := time.Now()
		calls, err := p.page(ctx, agent.ID, after)
		if err != nil {
			return err
		}
		if len(calls) == 0 {
			break
		}
		for _, c := range calls {
			if err := p.call(ctx, c); err != nil {
				return err
			}
		}
		last := calls[len(calls)-1].call
		after = store.Step{At: last.CreatedAt, ID: last.ID}
		told(p.done)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(time.Since(begun)/2, longestRest)):
		}
	}
	return p.finish(ctx)
}

// finish adds the list and makes the archive whole.
func (p *pack) finish(ctx context.Context) error {
	if err := p.seen.Flush(); err != nil {
		return err
	}
	list, size, err := p.a.deps.Files.Open(ctx, listOf(p.id))
	if err != nil {
		return err
	}
	err = p.put("manifest.sha256", time.Now(), list, size)
	if err = errors.Join(err, list.Close()); err != nil {
		return err
	}
	if err := errors.Join(p.tar.Close(), p.out.Flush()); err != nil {
		return err
	}
	p.done.SHA256 = hex.EncodeToString(p.sum.Sum(nil))
	return nil
}

// agent writes the configuration.
func (p *pack) agent(ctx context.Context, agent *parley.Agent) error {
	f := agentFile{Agent: agent}
	err := p.a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error { return f.read(ctx, tx) })
	if err != nil {
		return err
	}
	return p.json("agent.json", agent.UpdatedAt, f)
}

// below is a call with what lies below it.
type below struct {
	call    *parley.Call
	turns   []parley.Turn
	actions []*parley.CallAction
	sip     []parley.SIPMessage
}

func (p *pack) page(ctx context.Context, agentID string, after store.Step) (list []below, err error) {
	err = p.a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		calls, err := tx.CallsBelow(ctx, agentID, after, page)
		if err != nil {
			return err
		}
		list = make([]below, len(calls))
		for i, c := range calls {
			b := below{call: c}
			var faults [3]error
			b.turns, faults[0] = tx.TurnsOf(ctx, c.ID)
			b.actions, faults[1] = tx.CallActionsOf(ctx, c.ID)
			b.sip, faults[2] = tx.SIPMessagesOf(ctx, c.ID)
			if err := errors.Join(faults[:]...); err != nil {
				return fmt.Errorf("call %s: %w", c.ID, err)
			}
			list[i] = b
		}
		return nil
	})
	return list, err
}

// call writes a call, and its recording if there is one.
func (p *pack) call(ctx context.Context, b below) error {
	f := b.form()
	if b.call.Recording != "" {
		name := "recordings/" + b.call.ID + ".wav"
		there, err := p.recording(ctx, b.call, name)
		if err != nil {
			return fmt.Errorf("recording of call %s: %w", b.call.ID, err)
		}
		if there {
			f.Recording = &name
		}
	}
	if err := p.json("calls/"+b.call.ID+".json", b.call.CreatedAt, f); err != nil {
		return err
	}
	p.done.Calls++
	return nil
}

// recording says false for one whose file is gone.
func (p *pack) recording(ctx context.Context, c *parley.Call, name string) (there bool, err error) {
	sound, size, err := p.a.deps.Recordings.Open(ctx, c.Recording)
	if errors.Is(err, store.ErrNoBlob) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = p.put(name, c.CreatedAt, sound, size)
	if err = errors.Join(err, sound.Close()); err != nil {
		return false, err
	}
	p.done.Recordings++
	return true, nil
}

func (p *pack) json(name string, at time.Time, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return p.put(name, at, bytes.NewReader(text), int64(len(text)))
}

// put writes a file of exactly that size, and a line of the list.
func (p *pack) put(name string, at time.Time, from io.Reader, size int64) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at.Truncate(time.Second)}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(p.tar, sum), from, size); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.seen, "%x  %s\n", sum.Sum(nil), name)
	return err
}
