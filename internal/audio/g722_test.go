package audio

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
)

// foreign is libspandsp's G.722, which Debian's baresip brings along.
type foreign struct{ encode, decode, encoder, decoder uintptr }

func spandsp(t *testing.T) *foreign {
	t.Helper()
	h, err := purego.Dlopen("libspandsp.so.2", purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Skip("no libspandsp: ", err)
	}
	sym := func(name string) uintptr {
		p, err := purego.Dlsym(h, name)
		if err != nil {
			t.Skip(err)
		}
		return p
	}
	f := &foreign{encode: sym("g722_encode"), decode: sym("g722_decode")}
	f.encoder, _, _ = purego.SyscallN(sym("g722_encode_init"), 0, 64000, 0)
	f.decoder, _, _ = purego.SyscallN(sym("g722_decode_init"), 0, 64000, 0)
	t.Cleanup(func() {
		purego.SyscallN(sym("g722_encode_free"), f.encoder)
		purego.SyscallN(sym("g722_decode_free"), f.decoder)
	})
	return f
}

func (f *foreign) code(pcm []int16) []byte {
	out := make([]byte, len(pcm)/2)
	n, _, _ := purego.SyscallN(f.encode, f.encoder, uintptr(unsafe.Pointer(&out[0])), uintptr(unsafe.Pointer(&pcm[0])), uintptr(len(pcm)))
	return out[:n]
}

func (f *foreign) sound(code []byte) []int16 {
	out := make([]int16, 2*len(code))
	n, _, _ := purego.SyscallN(f.decode, f.decoder, uintptr(unsafe.Pointer(&out[0])), uintptr(unsafe.Pointer(&code[0])), uintptr(len(code)))
	return out[:n]
}

// trial is sound that reaches every corner: tones, noise of all levels, full scale, silence, a step.
func trial() []int16 {
	r := rand.New(rand.NewPCG(7, 22))
	pcm := slices.Concat(tone(Wide, 440, 3200), tone(Wide, 5500, 3200), make([]int16, 800))
	for level := 4.0; level < 40000; level *= 2 {
		for range 640 {
			pcm = append(pcm, clip(float32(r.NormFloat64()*level)))
		}
	}
	for i := range 1600 {
		v := int16(math.MaxInt16)
		if i/13%2 == 0 {
			v = math.MinInt16
		}
		pcm = append(pcm, v)
	}
	return append(pcm, make([]int16, 1760)...)
}

func TestG722IsBitForBitWhatSpandspCodes(t *testing.T) {
	f := spandsp(t)
	pcm := trial()
	var e G722Encoder
	code := make([]byte, len(pcm)/2)
	for at := 0; at < len(pcm); at += 320 {
		e.Encode(code[at/2:at/2+160], pcm[at:at+320])
	}
	if want := f.code(pcm); !bytes.Equal(code, want) {
		t.Error("our code differs, first ", difference(code, want))
	}
	garbage := make([]byte, 16000) // a decoder takes any bytes
	for i := range garbage {
		garbage[i] = byte(rand.IntN(256))
	}
	var d G722Decoder
	for _, in := range [][]byte{code, garbage} {
		got := make([]int16, 2*len(in))
		d.Decode(got, in)
		want := f.sound(in)
		for i, v := range got { // where we saturate, as the recommendation says, it wraps
			if v == math.MaxInt16 || v == math.MinInt16 {
				want[i] = v
			}
		}
		if !slices.Equal(got, want) {
			t.Error("our sound differs, first ", difference(got, want))
		}
	}
}

func difference[T comparable](a, b []T) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("at %d of %d: %v, want %v", i, len(b), a[i], b[i])
		}
	}
	return fmt.Sprintf("%d long, want %d", len(a), len(b))
}

// testdata/g722.code is what libspandsp 0.0.6 makes of trial.
func TestG722IsWhatItWas(t *testing.T) {
	want, err := os.ReadFile("testdata/g722.code")
	if err != nil {
		t.Fatal(err)
	}
	pcm, code := trial(), make([]byte, len(want))
	var e G722Encoder
	if n := e.Encode(code, pcm); n != len(pcm)/2 || !bytes.Equal(code, want) {
		t.Error(difference(code, want))
	}
}

func TestG722KeepsTheWholeBand(t *testing.T) {
	for _, freq := range []Hz{200, 1000, 3300, 5000, 6500} {
		in := tone(Wide, freq, 16000)
		code, out := make([]byte, 8000), make([]int16, 16000)
		var e G722Encoder
		var d G722Decoder
		e.Encode(code, in)
		d.Decode(out, code)
		if db := 20 * math.Log10(power(out[800:], Wide, freq)/10000); math.Abs(db) > 0.5 {
			t.Errorf("%d Hz comes back with %.2f dB", freq, db)
		}
	}
}

func BenchmarkG722Frame(b *testing.B) {
	pcm, code := tone(Wide, 440, 320), make([]byte, 160)
	var e G722Encoder
	var d G722Decoder
	b.ReportAllocs()
	for b.Loop() {
		e.Encode(code, pcm)
		d.Decode(pcm, code)
	}
}
