// Package hibari is the offline English voice: text in, 24 kHz mono sound out, rendered piece by piece so that the first audio
// leaves before the sentence is done.
//
// A text is written out as people say it (internal/spoken), turned into phonemes (the sub-package text), and given sentence by
// sentence to an ONNX network that returns a spectrum for each frame of 12.5 ms. The waveform is made of those here, in Go, by
// overlap-add of inverse Fourier transforms. Model and tables are the assets of the package hibari-tts 0.2.1 (Apache-2.0).
package hibari
