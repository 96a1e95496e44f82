package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// The types of body that INFO (RFC 2976, and RFC 6086 §2.3 on why no package is named) carries key presses in.
const (
	dtmfRelay = "application/dtmf-relay" // lines such as Signal=5 and Duration=160
	dtmfPlain = "application/dtmf"       // the key alone
)

// informed takes a key press by INFO. An INFO without a body asks whether we are there.
func (d *dialog) informed(req *sip.Request) *refusal {
	kind := ""
	if t := req.ContentType(); t != nil {
		kind, _, _ = strings.Cut(strings.ToLower(t.Value()), ";")
	}
	switch body := string(req.Body()); {
	case len(strings.TrimSpace(body)) == 0:
		return ok()
	case strings.TrimSpace(kind) != dtmfRelay && strings.TrimSpace(kind) != dtmfPlain:
		return refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", sip.NewHeader("Accept", dtmfRelay+", "+dtmfPlain))
	default:
		key, known := keyOf(body)
		if !known {
			return refuse(sip.StatusBadRequest, "No Such Key")
		}
		if d.stream != nil {
			d.stream.Pressed(key)
		}
		return ok()
	}
}

// keyOf reads a key: the value of Signal, or the body alone. Some write 10 and 11 for star and hash, as events are numbered.
func keyOf(body string) (byte, bool) {
	signal := strings.TrimSpace(body)
	for line := range strings.Lines(body) {
		if name, value, isField := strings.Cut(line, "="); isField && strings.EqualFold(strings.TrimSpace(name), "signal") {
			signal = strings.TrimSpace(value)
			break
		}
	}
	switch signal {
	case "10":
		return '*', true
	case "11":
		return '#', true
	}
	signal = strings.ToUpper(signal)
	return (signal + "?")[0], len(signal) == 1 && strings.Contains(rtpmedia.Digits, signal)
}

// SendDigit implements media.Leg: by INFO where no telephone-event was agreed on and the peer allows it.
func (l *leg) SendDigit(ctx context.Context, digit byte) error {
	err := l.Stream.SendDigit(ctx, digit)
	if !errors.Is(err, stream.ErrNoEvents) || !strings.Contains(rtpmedia.Digits, string(rune(digit))) {
		return err
	}
	d := l.dialog.Load()
	return d.ask(ctx, func() error {
		switch {
		case d.phase != confirmed:
			return media.ErrEnded
		case !d.peer.takesInfo:
			return err
		}
		d.inform(digit, d.creds)
		return nil
	})
}

// inform presses a key by INFO; creds answer its challenge, nil when they have.
func (d *dialog) inform(digit byte, creds *credentials) {
	req := d.peer.request(sip.INFO, d.door.stack.agent)
	req.AppendHeader(sip.NewHeader("Content-Type", dtmfRelay))
	req.SetBody(fmt.Appendf(nil, "Signal=%c\r\nDuration=100\r\n", digit))
	if d.creds != nil {
		d.creds.sign(req)
	}
	d.transact(req, func(res *sip.Response, err error) {
		switch {
		case err == nil && challenged(res) && creds != nil && creds.take(res):
			d.inform(digit, nil)
		case err != nil || !res.IsSuccess():
			d.log.Info("key press by INFO not taken", "error", err)
		}
	})
}

// allows says whether a message's Allow names a method (RFC 3261 §20.5); without the header nothing is known.
func allows(m interface{ GetHeaders(string) []sip.Header }, method sip.RequestMethod) bool {
	for _, h := range m.GetHeaders("Allow") {
		for name := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(name), string(method)) {
				return true
			}
		}
	}
	return false
}
