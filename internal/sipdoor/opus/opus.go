// Package opus binds libopus (RFC 6716) through purego, so that the build needs no cgo. The library is the system's and is loaded at run
// time; where it is missing, Load says so and nothing is offered. Sound is 16 kHz mono. The states lie in Go's memory and need no closing.
package opus

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

const (
	// Rate is the sampling rate on our side in Hz; the library takes any.
	Rate = 16000
	// LongestFrame is how many samples a packet may hold: 120 ms.
	LongestFrame = Rate * 120 / 1000
)

// Numbers of opus_defines.h.
const (
	applicationVoIP = 2048
	setBitrate      = 4002
	setVBR          = 4006
	setComplexity   = 4010
	setFEC          = 4012
	setPacketLoss   = 4014
	setMaxBandwidth = 4004
	narrowband      = 1101
	mediumband      = 1102
	wideband        = 1103
)

const (
	// complexity of 0 to 10: 5 costs half of what 10 does and is hardly heard.
	complexity = 5
	// expectedLoss is the percentage of packets that forward error correction prepares for.
	expectedLoss = 5
)

// Library is a loaded libopus.
type Library struct {
	encoderSize, encoderInit, encode, encoderCtl uintptr
	decoderSize, decoderInit, decode             uintptr
}

// Load loads the library, once for the process.
var Load = sync.OnceValues(load)

// names are what the library is called on Linux and macOS.
var names = []string{"libopus.so.0", "libopus.so", "libopus.0.dylib", "/opt/homebrew/lib/libopus.0.dylib", "/usr/local/lib/libopus.0.dylib"}

func load() (*Library, error) {
	var errs []error
	for _, name := range names {
		h, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			return bind(h)
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("opus: load libopus: %w", errors.Join(errs...))
}

func bind(h uintptr) (*Library, error) {
	var l Library
	for name, p := range map[string]*uintptr{
		"opus_encoder_get_size": &l.encoderSize, "opus_encoder_init": &l.encoderInit, "opus_encode": &l.encode, "opus_encoder_ctl": &l.encoderCtl,
		"opus_decoder_get_size": &l.decoderSize, "opus_decoder_init": &l.decoderInit, "opus_decode": &l.decode,
	} {
		sym, err := purego.Dlsym(h, name)
		if err != nil {
			return nil, fmt.Errorf("opus: load libopus: %w", err)
		}
		*p = sym
	}
	return &l, nil
}

// Settings are what the receiver asks for (RFC 7587 §6.1); zero values leave the choice to us.
type Settings struct {
	Bitrate  int  // bits a second at most
	Playback int  // Hz of sound that it can play at most
	FEC      bool // it uses forward error correction
	Constant bool // it wants packets of one size
}

// Encoder codes one stream. It belongs to one goroutine.
type Encoder struct {
	lib   *Library
	state []byte
	args  [5]uintptr // here, since a slice of the stack's would be allocated
}

// usualBitrate is good for wideband speech.
const usualBitrate = 28000

// NewEncoder makes an encoder.
func (l *Library) NewEncoder(s Settings) (*Encoder, error) {
	size, _, _ := purego.SyscallN(l.encoderSize, 1)
	e := &Encoder{lib: l, state: make([]byte, int(int32(size)))}
	if len(e.state) == 0 {
		return nil, errors.New("opus: no encoder")
	}
	if r, _, _ := purego.SyscallN(l.encoderInit, e.at(), Rate, 1, applicationVoIP); int32(r) != 0 {
		return nil, fmt.Errorf("opus: encoder: error %d", int32(r))
	}
	bitrate := usualBitrate
	if s.Bitrate > 0 {
		bitrate = min(max(s.Bitrate, 6000), usualBitrate)
	}
	band := wideband
	switch {
	case s.Playback > 0 && s.Playback <= 8000:
		band = narrowband
	case s.Playback > 0 && s.Playback <= 12000:
		band = mediumband
	}
	for _, c := range [][2]int{
		{setBitrate, bitrate}, {setComplexity, complexity}, {setMaxBandwidth, band}, {setVBR, number(!s.Constant)}, {setFEC, number(s.FEC)},
		{setPacketLoss, expectedLoss * number(s.FEC)},
	} {
		if r := e.control(c[0], c[1]); r != 0 {
			return nil, fmt.Errorf("opus: encoder: setting %d to %d: error %d", c[0], c[1], r)
		}
	}
	return e, nil
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (e *Encoder) at() uintptr { return address(e.state) }

// address is where a slice begins. Callers keep it alive; on the heap nothing moves, and what is handed to a call lives there.
func address[T any](s []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }

// control calls a function of variable arguments, which Apple's ABI for arm64 takes from the stack: behind eight registers.
func (e *Encoder) control(request, value int) int {
	var r uintptr
	if runtime.GOOS == "darwin" && runtime.GOARCH == "arm64" {
		r, _, _ = purego.SyscallN(e.lib.encoderCtl, e.at(), uintptr(request), 0, 0, 0, 0, 0, 0, uintptr(value))
	} else {
		r, _, _ = purego.SyscallN(e.lib.encoderCtl, e.at(), uintptr(request), uintptr(value))
	}
	return int(int32(r))
}

// Encode codes 10, 20, 40 or 60 ms of sound into dst and returns the number of bytes, 0 for a fault. It allocates nothing.
func (e *Encoder) Encode(dst []byte, pcm []int16) int {
	if len(dst) == 0 || len(pcm) == 0 {
		return 0
	}
	e.args = [...]uintptr{e.at(), address(pcm), uintptr(len(pcm)), address(dst), uintptr(len(dst))}
	r, _, _ := purego.SyscallN(e.lib.encode, e.args[:]...)
	runtime.KeepAlive(pcm)
	runtime.KeepAlive(dst)
	return max(0, int(int32(r)))
}

// Decoder decodes one stream. It belongs to one goroutine.
type Decoder struct {
	lib   *Library
	state []byte
	args  [6]uintptr
}

// NewDecoder makes a decoder.
func (l *Library) NewDecoder() (*Decoder, error) {
	size, _, _ := purego.SyscallN(l.decoderSize, 1)
	d := &Decoder{lib: l, state: make([]byte, int(int32(size)))}
	if len(d.state) == 0 {
		return nil, errors.New("opus: no decoder")
	}
	if r, _, _ := purego.SyscallN(l.decoderInit, d.at(), Rate, 1); int32(r) != 0 {
		return nil, fmt.Errorf("opus: decoder: error %d", int32(r))
	}
	return d, nil
}

func (d *Decoder) at() uintptr { return address(d.state) }

// Decode decodes a packet into pcm, which has room for its sound, and returns the number of samples, 0 for a fault.
func (d *Decoder) Decode(pcm []int16, packet []byte) int { return d.run(pcm, packet, 0) }

// Conceal makes up lost sound to the length of pcm; from the packet after it, where that came and carries a copy, else from nothing.
func (d *Decoder) Conceal(pcm []int16, after []byte) int {
	return d.run(pcm, after, number(len(after) > 0))
}

func (d *Decoder) run(pcm []int16, packet []byte, fec int) int {
	if len(pcm) == 0 {
		return 0
	}
	var data uintptr // null asks for concealment
	if len(packet) > 0 {
		data = address(packet)
	}
	d.args = [...]uintptr{d.at(), data, uintptr(len(packet)), address(pcm), uintptr(len(pcm)), uintptr(fec)}
	r, _, _ := purego.SyscallN(d.lib.decode, d.args[:]...)
	runtime.KeepAlive(packet)
	runtime.KeepAlive(pcm)
	return max(0, int(int32(r)))
}

// Samples is how many samples a packet holds at our rate, by its first bytes (RFC 6716 §3.1); 0 where it is none or holds over 120 ms.
func Samples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	frames := 1
	switch packet[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int(packet[1] & 0x3F)
	}
	if n := frames * frameSamples(packet[0]>>3); n <= LongestFrame {
		return n
	}
	return 0
}

// frameSamples is the length of a frame by its configuration (table 2).
func frameSamples(config byte) int {
	switch {
	case config >= 16: // CELT: 2.5, 5, 10, 20 ms
		return Rate / 400 << (config & 3)
	case config >= 12: // hybrid: 10, 20 ms
		return Rate / 100 << (config & 1)
	case config&3 == 3: // SILK: 10, 20, 40, 60 ms
		return Rate * 60 / 1000
	}
	return Rate / 100 << (config & 3)
}
