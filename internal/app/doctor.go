package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/secrets"
)

// level is how bad a finding is.
type level string

const (
	fine level = "ok"
	warn level = "warn"
	bad  level = "FAIL"
)

// finding is a line of the doctor: what was looked at, what was seen, and what to do about it.
type finding struct {
	level      level
	what, seen string
	whatToDo   string
}

// ErrUnwell says that a check failed; the lines before it say which.
var ErrUnwell = errors.New("something is wrong: see the lines that begin with FAIL")

const enoughDisk = 1 << 30 // bytes: about 17 hours of recordings

// Doctor looks at everything that a server needs, prints a line each, and answers ErrUnwell when calls would fail.
func Doctor(ctx context.Context, cfg config.Config, out io.Writer) error {
	unwell := false
	for _, check := range []func(context.Context, config.Config) finding{
		checkHTTP, checkSIP, checkMedia, checkNAT, checkClock, checkData, checkDatabase, checkDisk, checkKeys, checkLedger,
		checkModels, checkSpeech, checkLoopback,
	} {
		f := check(ctx, cfg)
		unwell = unwell || f.level == bad
		fmt.Fprintf(out, "%-5s %-14s %s", f.level, f.what, strings.ReplaceAll(f.seen, "\n", ", "))
		if f.whatToDo != "" {
			fmt.Fprintf(out, "; %s", f.whatToDo)
		}
		fmt.Fprintln(out)
	}
	if unwell {
		return ErrUnwell
	}
	return nil
}

func checkHTTP(_ context.Context, cfg config.Config) finding {
	l, err := net.Listen("tcp", cfg.HTTP)
	if err != nil {
		return finding{level: warn, what: "http port", seen: err.Error(), whatToDo: "is a parley running already? else stop what holds it, or choose --http"}
	}
	_ = l.Close()
	return finding{level: fine, what: "http port", seen: cfg.HTTP + " is free"}
}

func checkSIP(_ context.Context, cfg config.Config) finding {
	const todo = "is a parley running already? else stop what holds it, or choose --sip"
	u, err := net.ListenPacket("udp", cfg.SIP)
	if err != nil {
		return finding{level: warn, what: "sip port", seen: err.Error(), whatToDo: todo}
	}
	defer u.Close()
	l, err := net.Listen("tcp", cfg.SIP)
	if err != nil {
		return finding{level: warn, what: "sip port", seen: err.Error(), whatToDo: todo}
	}
	_ = l.Close()
	return finding{level: fine, what: "sip port", seen: cfg.SIP + " is free over UDP and TCP"}
}

func checkMedia(_ context.Context, cfg config.Config) finding {
	ports, err := cfg.Ports()
	if err != nil {
		return finding{level: bad, what: "rtp ports", seen: err.Error()}
	}
	if ports == [2]uint16{} {
		return finding{level: fine, what: "rtp ports", seen: "any free ones", whatToDo: "behind a firewall set --rtp-ports A-B and open them for UDP"}
	}
	taken := 0
	for p := int(ports[0]); p <= int(ports[1]); p++ {
		c, err := net.ListenPacket("udp4", fmt.Sprintf("0.0.0.0:%d", p))
		if err != nil {
			taken++
			continue
		}
		_ = c.Close()
	}
	all := int(ports[1]) - int(ports[0]) + 1
	f := finding{level: fine, what: "rtp ports", seen: fmt.Sprintf("%d of %d are free: room for %d calls", all-taken, all, (all-taken)/2)}
	if all-taken < 4 {
		f.level, f.whatToDo = bad, "choose a wider range with --rtp-ports"
	}
	return f
}

// checkNAT compares the address of the route to the internet with what peers could reach. Nothing is sent: connecting a UDP socket
// only asks for the route.
func checkNAT(_ context.Context, cfg config.Config) finding {
	external, err := cfg.External()
	if err != nil {
		return finding{level: bad, what: "address", seen: err.Error()}
	}
	if external.IsValid() {
		return finding{level: fine, what: "address", seen: external.String() + " is written in SDP, Contact and Via"}
	}
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return finding{level: warn, what: "address", seen: "no route beyond this machine", whatToDo: "only callers on this machine can be heard"}
	}
	defer c.Close()
	a := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	if a.IsPrivate() || !a.IsGlobalUnicast() {
		return finding{level: warn, what: "address", seen: a.String() + " is private", whatToDo: "for callers from the internet set --external-ip and forward the ports"}
	}
	return finding{level: fine, what: "address", seen: a.String()}
}

func checkClock(context.Context, config.Config) finding {
	if time.Now().Year() < 2026 {
		return finding{level: bad, what: "clock", seen: time.Now().Format(time.RFC3339), whatToDo: "set the clock: tokens, links and leases go by it"}
	}
	const unsynchronized = 0x40 // STA_UNSYNC of adjtimex(2)
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err == nil && t.Status&unsynchronized != 0 {
		return finding{level: warn, what: "clock", seen: "not synchronized", whatToDo: "run an NTP client; several nodes on one database need it"}
	}
	return finding{level: fine, what: "clock", seen: time.Now().UTC().Format(time.RFC3339)}
}

func checkData(_ context.Context, cfg config.Config) finding {
	f := finding{level: bad, what: "data", whatToDo: "choose a directory that this user may write, with --data"}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		f.seen = err.Error()
		return f
	}
	probe, err := os.CreateTemp(cfg.Data, ".doctor-")
	if err != nil {
		f.seen = err.Error()
		return f
	}
	_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
	if _, err := os.Stat(filepath.Join(cfg.Data, secrets.FileName)); err == nil || cfg.MasterKey != "" {
		if _, err := secrets.Load(cfg.MasterKey, cfg.Data); err != nil {
			return finding{level: bad, what: "data", seen: err.Error()}
		}
	}
	return finding{level: fine, what: "data", seen: cfg.Data + " can be written"}
}

func checkDatabase(ctx context.Context, cfg config.Config) finding {
	if _, err := os.Stat(filepath.Join(cfg.Data, "parley.db")); err != nil && cfg.Database == "" {
		return finding{level: fine, what: "database", seen: "SQLite, made at the first start"}
	}
	begun := time.Now()
	s, err := openStore(ctx, cfg, nil)
	if err != nil {
		return finding{level: bad, what: "database", seen: err.Error(), whatToDo: "check --database and that the server runs"}
	}
	err = s.Ping(ctx)
	took := time.Since(begun)
	if err = errors.Join(err, s.Close()); err != nil {
		return finding{level: bad, what: "database", seen: err.Error()}
	}
	return finding{level: fine, what: "database", seen: fmt.Sprintf("opened and asked in %d ms", took.Milliseconds())}
}

func checkDisk(_ context.Context, cfg config.Config) finding {
	free, err := room(cfg.Data)
	if err != nil {
		return finding{level: warn, what: "disk", seen: err.Error()}
	}
	f := finding{level: fine, what: "disk", seen: fmt.Sprintf("%.1f GB free", float64(free)/1e9)}
	if free < enoughDisk {
		f.level, f.whatToDo = warn, "a minute of a recorded call takes 1.9 MB; make room"
	}
	return f
}

func checkModels(_ context.Context, cfg config.Config) finding {
	dir, err := modelsDir(cfg)
	if err == nil {
		err = models.Ready(dir)
	}
	if err != nil {
		return finding{level: bad, what: "models", seen: err.Error(), whatToDo: "run `parley models fetch`"}
	}
	return finding{level: fine, what: "models", seen: dir}
}

// quiet is a log for parts that the doctor only borrows.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
