package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a disk of its own on a directory.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small disk: run `make test` as root")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}

// fill takes all the room that a disk has left, until the file that it returns is removed.
func fill(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<16); len(block) > 0 && err == nil; {
		if _, err = f.Write(block); errors.Is(err, syscall.ENOSPC) && len(block) > 1 {
			block, err = block[:len(block)/2], nil
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return ballast
}

func TestFullDiskEndsTheRecordingNotTheCall(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	data := t.TempDir()
	smallDisk(t, filepath.Join(data, "recordings"), "128k") // four seconds
	s := Start(t, Data(data))
	agent := s.Clinic(nil)
	p := s.Dial(Number, "--say", "When are you open?", "--say", "How much does a cleaning cost?")
	s.Wait("the disk is full", 20*time.Second, func() bool { return strings.Contains(s.Log(), "recording ended early") })
	out, code := p.Wait()
	p.wantWholeSound()
	c := s.lastCall()
	if code != 0 || !told(out) || c["status"] != "completed" || !told(said(c, "agent")) {
		t.Errorf("exit code %d, the call is %v (%v) with turns %v", code, c["status"], c["ended_reason"], turns(c))
	}
	if c["recording_note"] != "disk full" {
		t.Errorf("the recording's note is %v", c["recording_note"])
	}
	if d := length(s.wav(s.recording(c, ""))); d < 3*time.Second || d > 5*time.Second {
		t.Errorf("the recording holds %s, and there was room for four seconds", d)
	}
	s.erase(agent)
}

func TestCallGoesOnInMemoryWhenNothingCanBeWritten(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	data := t.TempDir()
	smallDisk(t, data, "24m")
	s := Start(t, Data(data))
	s.Clinic(nil)
	idle := s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	// An erasure leaves the write-ahead log empty, so that the next pages need room.
	s.erase(s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string))
	p := s.Dial(Number, "--say", "When are you open?", "--say", "How much does a cleaning cost?")
	p.Until(they, 500*time.Millisecond)
	ballast := fill(t, data)
	p.Until(me, 500*time.Millisecond)
	p.Until(they, 500*time.Millisecond)
	s.Wait("turns wait", 10*time.Second, func() bool { return strings.Contains(s.Log(), "turns wait in memory") })
	if status, v := s.Do("DELETE", "/api/v1/agents/"+idle, nil); status != http.StatusInternalServerError || v["code"] != "SERVER_ERROR" {
		t.Errorf("DELETE on a full disk: %d %v", status, v)
	}
	if _, code := s.Call(Number); code != 3 {
		t.Errorf("another call on a full disk: exit code %d", code)
	}
	out, code := p.Wait()
	p.wantWholeSound()
	if code != 0 || !told(out) {
		t.Errorf("exit code %d", code)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c := s.lastCall()
	if c["status"] != "completed" || len(turns(c)) < 5 || !told(said(c, "agent")) || c["recording_note"] != "disk full" {
		t.Errorf("with room again: %v", c)
	}
	s.Must("DELETE", "/api/v1/agents/"+idle, nil)
}
