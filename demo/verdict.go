package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/providers/local"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/wer"
)

// longestStop is how long an agent may go on after the caller cut in before the demo calls it deaf.
const longestStop = time.Second

// admits is what an agent says that does not know something.
var admits = regexp.MustCompile(`(?i)\b(sorry|don't|do not|can't|cannot|can not|not sure|unable|unfortunately|no information|a message|call you back)\b`)

// judge recognizes the agent's side of the caller's recording, answer by answer, and lists what is wrong with it.
func (s *server) judge(ctx context.Context, b *business, h *heard) (faults []string, err error) {
	answers, err := s.recognize(ctx, h)
	if err != nil {
		return nil, err
	}
	known := numbers(b.texts())
	for _, text := range s.diary.spoken() {
		maps.Copy(known, numbers(text))
	}
	reference := s.diary.newest()
	told := reference == ""
	fmt.Println("\nWhat the caller's recording holds:")
	for i, l := range b.Script {
		answer := answers[i+1]
		fmt.Printf("  %-45s → %s\n", l.Say, answer)
		faults = append(faults, l.faults(i, answer, h)...)
		told = told || numbers(answer)[reference]
		for n := range numbers(answer) {
			if !known[n] && !numbers(l.Say)[n] {
				faults = append(faults, fmt.Sprintf("line %d: the number %s is in none of the agent's texts: %q", i+1, n, answer))
			}
		}
	}
	if !told {
		faults = append(faults, fmt.Sprintf("the reference %s of the booking was not heard", reference))
	}
	return faults, nil
}

// faults of the answer to line i.
func (l line) faults(i int, answer string, h *heard) (faults []string) {
	for _, group := range l.Expect {
		if !containsAny(answer, group) {
			faults = append(faults, fmt.Sprintf("line %d: none of %q was heard in %q", i+1, group, answer))
		}
	}
	for _, word := range l.Forbid {
		if containsAny(answer, []string{word}) {
			faults = append(faults, fmt.Sprintf("line %d: %q was heard in %q", i+1, word, answer))
		}
	}
	if l.Unknown && !admits.MatchString(answer) {
		faults = append(faults, fmt.Sprintf("line %d: the agent cannot know it, and did not say so: %q", i+1, answer))
	}
	if l.InterruptAfter != "" {
		faults = append(faults, interrupted(i, h)...)
	}
	return faults
}

// interrupted judges by the wire; a caller who happened to cut in while the agent drew breath is told from one who came too late by what
// the API says of the answer.
func interrupted(i int, h *heard) []string {
	for _, m := range h.report.Lines {
		if m.Line != i+1 {
			continue
		}
		cut := slices.ContainsFunc(h.call.Turns, func(t parley.Turn) bool { return t.Interrupted })
		switch {
		case m.Interrupts && (m.Stop == nil || time.Duration(*m.Stop) > longestStop):
			return []string{fmt.Sprintf("line %d: the agent did not stop when interrupted", i+1)}
		case !m.Interrupts && !cut:
			return []string{fmt.Sprintf("line %d: the agent had finished before it could be interrupted", i+1)}
		}
		return nil
	}
	return []string{fmt.Sprintf("line %d: was not said", i+1)}
}

// containsAny compares as words, numbers in figures or letters alike.
func containsAny(text string, phrases []string) bool {
	in := " " + strings.Join(wer.Words(text), " ") + " "
	for _, p := range phrases {
		if strings.Contains(in, " "+strings.Join(wer.Words(p), " ")+" ") {
			return true
		}
	}
	return false
}

var figures = regexp.MustCompile(`\d( \d)*`)

// numbers are the figures in a text; digits that follow one another are one number.
func numbers(text string) map[string]bool {
	set := map[string]bool{}
	for _, n := range figures.FindAllString(strings.Join(wer.Words(text), " "), -1) {
		set[strings.ReplaceAll(n, " ", "")] = true
	}
	return set
}

// recognize gives the text of what the agent said after each line, by the line's place from 1.
func (s *server) recognize(ctx context.Context, h *heard) (map[int]string, error) {
	raw, err := os.ReadFile(h.wav)
	if err != nil {
		return nil, err
	}
	clip, err := audio.ParseWAV(raw)
	if err != nil {
		return nil, fmt.Errorf("the caller's recording: %w", err)
	}
	side, err := audio.Resample(clip.Channel(1), clip.Rate, audio.Wide)
	if err != nil {
		return nil, err
	}
	ears, done, err := s.ears(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	out := map[int]string{}
	for i, l := range h.report.Lines {
		from, to := audio.Wide.Samples(time.Duration(l.End)), len(side)
		if i+1 < len(h.report.Lines) {
			next := h.report.Lines[i+1]
			to = audio.Wide.Samples(time.Duration(next.Begin))
			if next.Stop != nil { // what was still said while the caller cut in
				to += audio.Wide.Samples(time.Duration(*next.Stop))
			}
		}
		from, to = min(from, len(side)), min(to, len(side))
		t, err := ears.Transcribe(ctx, side[from:max(from, to)], speech.Listening{Language: "en-US"})
		if err != nil {
			return nil, fmt.Errorf("recognize the answer to line %d: %w", l.Line, err)
		}
		out[l.Line] = t.Text
	}
	return out, nil
}

// ears opens a recognizer of the demo's own.
func (s *server) ears(ctx context.Context) (speech.Recognizer, func(), error) {
	dir, err := models.DefaultDir()
	if err != nil {
		return nil, nil, err
	}
	e, err := local.Open(local.Config{Models: dir, Workers: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Command: func() (*exec.Cmd, error) {
		return exec.Command(s.binary, "worker", "--models", dir), nil
	}})
	if err != nil {
		return nil, nil, err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = e.Run(working) }()
	done := func() { stop(); <-ended; e.Close() }
	if err := e.Ready(ctx); err != nil {
		done()
		return nil, nil, err
	}
	return e, done, nil
}
