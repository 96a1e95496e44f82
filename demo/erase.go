package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// erase unpublishes and deletes the agent, waits for the receipt to be complete, prints it, and lists what was left behind.
func (s *server) erase(ctx context.Context, b *business, agent string, c call) ([]string, error) {
	fmt.Println("\nUnpublishing and deleting the agent …")
	before, err := s.holding(b.secrets())
	if err != nil {
		return nil, err
	}
	if _, err := s.get(ctx, "POST", "/api/v1/agents/"+agent+"/unpublish", nil); err != nil {
		return nil, err
	}
	d, err := s.get(ctx, "DELETE", "/api/v1/agents/"+agent, nil)
	if err != nil {
		return nil, err
	}
	receipt, err := s.complete(ctx, fmt.Sprint(d["erasure_id"]))
	if err != nil {
		return nil, err
	}
	if err := s.attested(ctx, os.Stdout, agent, receipt); err != nil {
		return nil, err
	}
	left, err := s.holding(b.secrets())
	if err != nil {
		return nil, err
	}
	fmt.Printf("  files that held the caller's number, the agent's text or what was asked: %d before, %d after\n", len(before), len(left))
	if _, err := s.ask(ctx, "GET", "/api/v1/calls/"+c.ID, nil); err == nil || !strings.Contains(err.Error(), "404") {
		left = append(left, fmt.Sprintf("GET /api/v1/calls/%s still answers (%v)", c.ID, err))
	}
	if len(before) == 0 {
		left = append(left, "nothing of the call was found on the disk before the deletion: the search proves nothing")
	}
	return left, nil
}

func (s *server) complete(ctx context.Context, id string) (object, error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		r, err := s.get(ctx, "GET", "/api/v1/erasures/"+id, nil)
		if err != nil {
			return nil, err
		}
		if r["state"] == "complete" {
			return r, nil
		}
	}
	return nil, errors.New("the erasure is not complete after a minute")
}

// holding lists the files of the data directory that hold one of the words.
func (s *server) holding(words []string) (hits []string, err error) {
	err = filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, w := range words {
			if bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(w))) {
				hits = append(hits, fmt.Sprintf("%s holds %q", filepath.Base(path), w))
			}
		}
		return err
	})
	return hits, err
}
