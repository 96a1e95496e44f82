// Package ladder draws the SIP messages of a call as people draw them on paper: a line for each side, an arrow for each message. It reads
// nothing of a message but its first line and whether a body follows.
package ladder

import (
	"fmt"
	"strings"

	"github.com/parley-voice/parley"
)

const (
	stamp = "15:04:05.000"
	width = 38 // of an arrow, in characters
	sides = 4  // most peers that get a line of their own; the rest share the last one
)

// Draw draws messages in their order. us is what our side is called.
func Draw(us string, messages []parley.SIPMessage) string {
	if len(messages) == 0 {
		return ""
	}
	peers := peersOf(messages)
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s  %s", len(stamp), "UTC", us)
	at := len(us)
	for _, p := range peers {
		pad := max(2, width+1-at)
		fmt.Fprintf(&b, "%s%s", strings.Repeat(" ", pad), p)
		at = at + pad + len(p) - width - 1
	}
	b.WriteByte('\n')
	for i := range messages {
		m := &messages[i]
		fmt.Fprintf(&b, "%s  ", m.At.UTC().Format(stamp))
		row(&b, column(peers, m), len(peers), label(m), m.Sent)
	}
	return b.String()
}

// peersOf lists the other sides in order of their appearance.
func peersOf(messages []parley.SIPMessage) (peers []string) {
	seen := map[string]bool{}
	for i := range messages {
		name := nameOf(&messages[i])
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(peers) == sides {
			peers[sides-1] = "others"
			continue
		}
		peers = append(peers, name)
	}
	return peers
}

func nameOf(m *parley.SIPMessage) string { return m.Peer + "/" + m.Transport }

func column(peers []string, m *parley.SIPMessage) int {
	for i, p := range peers {
		if p == nameOf(m) {
			return i
		}
	}
	return len(peers) - 1
}

// row draws one arrow from our line to that of a peer; it passes over the lines between.
func row(b *strings.Builder, to, peers int, text string, sent bool) {
	length := (to+1)*width + to
	if most := length - 4; len(text) > most {
		text = text[:most-1] + "~"
	}
	fill := length - len(text) - 3
	if sent {
		fmt.Fprintf(b, "|-%s%s->", text, strings.Repeat("-", fill))
	} else {
		fmt.Fprintf(b, "|<-%s%s-", strings.Repeat("-", fill), text)
	}
	b.WriteByte('|')
	for range peers - to - 1 {
		b.WriteString(strings.Repeat(" ", width) + "|")
	}
	b.WriteByte('\n')
}

// label says what a message is: its method, or its status with what it answers.
func label(m *parley.SIPMessage) string {
	first := m.FirstLine()
	_, body, _ := strings.Cut(m.Raw, "\r\n\r\n")
	text := ""
	if status, ok := strings.CutPrefix(first, "SIP/2.0 "); ok {
		text = " " + status
		if method := methodOf(m.Raw); method != "" {
			text += " [" + method + "]"
		}
	} else {
		method, _, _ := strings.Cut(first, " ")
		text = " " + method
	}
	if body != "" {
		text += " (" + kindOf(m.Raw) + ")"
	}
	return printable(text + " ")
}

// methodOf is the method in CSeq.
func methodOf(raw string) string {
	f := strings.Fields(header(raw, "cseq"))
	if len(f) < 2 {
		return ""
	}
	return f[1]
}

// kindOf names a body.
func kindOf(raw string) string {
	kind := header(raw, "content-type", "c")
	if kind == "application/sdp" {
		return "SDP"
	}
	if kind == "" {
		return "body"
	}
	return kind
}

func header(raw string, names ...string) string {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\n") {
		name, value, ok := strings.Cut(line, ":")
		for _, n := range names {
			if ok && strings.EqualFold(strings.TrimSpace(name), n) {
				value, _, _ = strings.Cut(value, ";")
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}

// printable keeps a peer's words from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
