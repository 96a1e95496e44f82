package text

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// breaks are the marks that make a pause.
const breaks = ";:,.!?—…"

// English holds the tables that all accents share. It is safe for concurrent use.
type English struct {
	normalizer normalizer
	tokenizer  tokenizer
	tagger     tagger
}

// Load reads the shared tables from the folder of the package's assets.
func Load(dir string) (*English, error) {
	e := &English{}
	for name, into := range map[string]any{
		"normalize.json": &e.normalizer, "tokenizer_exceptions.json": &e.tokenizer.special, "tagger.json.gz": &e.tagger,
	} {
		if err := readJSON(filepath.Join(dir, name), into); err != nil {
			return nil, err
		}
	}
	e.normalizer.compile()
	e.tagger.pack()
	return e, nil
}

// Reader gives the phonemes of a word that the lexicon lacks; empty if it cannot.
type Reader func(word string) (string, error)

// Accent reads English in one way. It is safe for concurrent use if its Reader is.
type Accent struct {
	*English
	lexicon lexicon
	unknown Reader
}

// Accent reads the American or British lexicon from dir.
func (e *English) Accent(dir string, british bool, unknown Reader) (*Accent, error) {
	a := &Accent{English: e, unknown: unknown, lexicon: lexicon{british: british}}
	name := "us"
	if british {
		name = "gb"
	}
	for file, into := range map[string]*dictionary{"gold": &a.lexicon.gold, "silver": &a.lexicon.silver} {
		if err := readJSON(filepath.Join(dir, "lexicon_"+name+"_"+file+".json.gz"), into); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func readJSON(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read table: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("read table %s: %w", path, err)
		}
	}
	if err := json.NewDecoder(r).Decode(into); err != nil {
		return fmt.Errorf("read table %s: %w", path, err)
	}
	return nil
}
