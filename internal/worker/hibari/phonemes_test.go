package hibari

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

func load(t testing.TB) *Engine {
	t.Helper()
	e, err := Load(modelstest.Runtime(t), models.Path(modelstest.Dir(t, models.Voice), models.Voice))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// golden reads phonemes.tsv.gz: sentences with their American and British phonemes, as testdata/reference.py made them.
func golden(t testing.TB) (rows [][]string) {
	t.Helper()
	f, err := os.Open("testdata/phonemes.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(z); s.Scan(); {
		rows = append(rows, strings.Split(s.Text(), "\t"))
	}
	if len(rows) < 2000 {
		t.Fatalf("only %d sentences", len(rows))
	}
	return rows
}

func TestPhonemesAreThoseOfTheReference(t *testing.T) {
	e := load(t)
	for i, name := range []string{"American", "British"} {
		t.Run(name, func(t *testing.T) {
			a, err := e.accent(i == 1)
			if err != nil {
				t.Fatal(err)
			}
			rows, other := golden(t), 0
			for _, row := range rows {
				got, err := a.Phonemes(row[0])
				if err != nil {
					t.Fatal(err)
				}
				if got != row[1+i] {
					if other++; other < 20 {
						t.Logf("%s\n got %s\nwant %s", row[0], got, row[1+i])
					}
				}
			}
			if same := 100 - 100*float64(other)/float64(len(rows)); same < 99 {
				t.Errorf("%.2f %% of %d sentences equal, want 99", same, len(rows))
			} else {
				t.Logf("%.2f %% of %d sentences equal", same, len(rows))
			}
		})
	}
}

func BenchmarkPhonemes(b *testing.B) {
	a := load(b).us
	for b.Loop() {
		if _, err := a.Phonemes("Your appointment with Doctor Lee is on Tuesday at half past nine, and it costs sixty dollars."); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzPhonemes looks for spellings that the front end cannot bear.
func FuzzPhonemes(f *testing.F) {
	for _, s := range []string{"$", "1.2.3th", "'s", "A.B", "[a](/b/)", "½ cup", "-5-", "U.S.", "²³", "\xff", "'", "’’", "5'", "to-", "İs", "$.5", "1,", "No. ٣"} {
		f.Add(s)
	}
	e := load(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range e.us.Sentences(text) {
			for _, r := range runs(s) {
				if _, err := e.us.Phonemes(protect(r)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
