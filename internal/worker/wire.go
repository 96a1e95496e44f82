package worker

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/parley-voice/parley/internal/speech"
)

// maxFrame bounds a frame: two minutes of sound.
const maxFrame = 4 << 20

// kind of a frame.
type kind uint8

// Requests carry an id that the parent chose, and every answer repeats it. A request is answered by any number of sounds and then one
// result or failure.
const (
	askTranscribe kind = iota + 1 // head listening, body pcm
	askSay                        // head saying
	askComplete                   // body pcm
	askEmbed                      // head embedding
	cancelAsk                     // no head; answered by whatever was on its way
	sayReady                      // from the child, once, with id 0: the engines are loaded; head readiness
	saySound                      // body pcm
	sayResult                     // head by request; of askEmbed the body holds the vectors
	sayFailed                     // head failure
)

// frame is one message. On the wire: length of the rest, kind, id, length of the head, head, body; numbers little-endian.
type frame struct {
	kind kind
	id   uint32
	head []byte // JSON
	body []byte
}

const frameHeader = 4 + 1 + 4 + 4

type saying struct {
	Text  string       `json:"text"`
	Voice speech.Voice `json:"voice"`
}

type embedding struct {
	Texts []string `json:"texts"`
	Query bool     `json:"query"`
}

type completion struct {
	Probability float64 `json:"p"`
}

// readiness says which engines could not be loaded.
type readiness struct {
	Fault string `json:"fault,omitempty"`
}

// Causes of a failure.
const (
	failedStale       = "stale"
	failedCanceled    = "canceled"
	failedUnavailable = "unavailable"
	failedFault       = "fault"
)

type failure struct {
	Cause string `json:"cause"`
	Text  string `json:"text"`
}

// newFrame puts a frame together; a nil head stays empty.
func newFrame(k kind, id uint32, head any, body []byte) (frame, error) {
	f := frame{kind: k, id: id, body: body}
	if head != nil {
		var err error
		if f.head, err = json.Marshal(head); err != nil {
			return f, fmt.Errorf("worker: encode: %w", err)
		}
	}
	if n := len(f.head) + len(f.body); n > maxFrame-frameHeader {
		return f, fmt.Errorf("worker: frame of %d bytes", n)
	}
	return f, nil
}

// into decodes the head.
func (f frame) into(head any) error {
	if err := json.Unmarshal(f.head, head); err != nil {
		return fmt.Errorf("worker: decode: %w", err)
	}
	return nil
}

func writeFrame(w *bufio.Writer, f frame) error {
	var h [frameHeader]byte
	binary.LittleEndian.PutUint32(h[0:], uint32(frameHeader-4+len(f.head)+len(f.body)))
	h[4] = byte(f.kind)
	binary.LittleEndian.PutUint32(h[5:], f.id)
	binary.LittleEndian.PutUint32(h[9:], uint32(len(f.head)))
	for _, part := range [][]byte{h[:], f.head, f.body} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Flush()
}

// readFrame returns io.EOF at an end between frames.
func readFrame(r *bufio.Reader) (frame, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	size, head := binary.LittleEndian.Uint32(h[0:]), binary.LittleEndian.Uint32(h[9:])
	if size < frameHeader-4 || size > maxFrame || head > size-(frameHeader-4) {
		return frame{}, fmt.Errorf("worker: frame of %d bytes with a head of %d", size, head)
	}
	rest := make([]byte, size-(frameHeader-4))
	if _, err := io.ReadFull(r, rest); err != nil {
		return frame{}, io.ErrUnexpectedEOF
	}
	return frame{kind: kind(h[4]), id: binary.LittleEndian.Uint32(h[5:]), head: rest[:head], body: rest[head:]}, nil
}

func packPCM(pcm []int16) []byte {
	b := make([]byte, 2*len(pcm))
	for i, v := range pcm {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	}
	return b
}

func unpackPCM(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func packVectors(vs [][]float32) (b []byte) {
	for _, v := range vs {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b
}

// unpackVectors splits b into n vectors of equal length.
func unpackVectors(b []byte, n int) ([][]float32, error) {
	if n == 0 && len(b) == 0 {
		return nil, nil
	}
	if n == 0 || len(b)%(4*n) != 0 {
		return nil, fmt.Errorf("worker: %d bytes for %d vectors", len(b), n)
	}
	vs, dim := make([][]float32, n), len(b)/(4*n)
	for i := range vs {
		vs[i] = make([]float32, dim)
		for k := range vs[i] {
			vs[i][k] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*(i*dim+k):]))
		}
	}
	return vs, nil
}
