package sipdoor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// The library drops what it cannot read, and the sender would repeat it for half a minute. A request that arrives by datagram is read
// twice therefore: here, to be told 400 in its own words (RFC 3261 §8.2, §18.3), and by the library.

// badRequest is the answer to a datagram with a request that nobody can work on; nil when it is fit, or no request.
func badRequest(parser *sip.Parser, msg []byte) []byte {
	if bytes.HasPrefix(msg, []byte("SIP/")) || bytes.HasPrefix(msg, []byte("ACK ")) { // to neither there are answers
		return nil
	}
	m, err := parser.ParseSIP(msg)
	if err == nil {
		req, ok := m.(*sip.Request)
		if !ok {
			return nil
		}
		if r := faultOf(req); r == nil && !looseContact(msg) || r != nil && r.status != sip.StatusBadRequest {
			return nil
		}
	}
	return answerTo(msg)
}

// schemeFault is what a request line without a scheme that we route by deserves, whatever else is wrong (RFC 3261 §8.2.2.1).
func schemeFault(msg []byte) bool {
	line, _, _ := bytes.Cut(msg, []byte("\r\n"))
	words := bytes.Fields(line)
	if len(words) != 3 {
		return false
	}
	scheme, _, ok := bytes.Cut(bytes.ToLower(words[1]), []byte(":"))
	return ok && !bytes.ContainsAny(scheme, "<>@%") && string(scheme) != "sip" && string(scheme) != "sips" && string(scheme) != "tel"
}

// answerTo writes a refusal with the headers that a response repeats (RFC 3261 §8.2.6.2), as they came and as far as they did.
func answerTo(msg []byte) []byte {
	var b bytes.Buffer
	if schemeFault(msg) {
		b.WriteString("SIP/2.0 416 Unsupported URI Scheme\r\n")
	} else {
		b.WriteString("SIP/2.0 400 Bad Request\r\n")
	}
	via := false
	for name, line := range headerLines(msg) {
		switch name {
		case "via", "v":
			via = true
			b.Write(line)
		case "to", "t": // with a tag (RFC 3261 §8.2.6.2): the same for a repetition
			b.Write(bytes.TrimRight(line, "\r\n"))
			if !bytes.Contains(bytes.ToLower(line), []byte("tag")) {
				sum := sha256.Sum256(msg)
				b.WriteString(";tag=" + hex.EncodeToString(sum[:8]))
			}
			b.WriteString("\r\n")
		case "from", "f", "call-id", "i", "cseq":
			b.Write(line)
		}
	}
	if !via {
		return nil // nobody could tell what it answers
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}

// looseContact says that a Contact has headers of a URI outside of angle brackets, where nobody can tell whose they are (RFC 3261 §20.10).
func looseContact(msg []byte) bool {
	for name, line := range headerLines(msg) {
		if (name == "contact" || name == "m") && bytes.ContainsRune(line, '?') && !bytes.ContainsRune(line, '<') {
			return true
		}
	}
	return false
}

// headerLines goes through the headers of a message: names in small letters, lines with their continuations (RFC 3261 §7.3.1).
func headerLines(msg []byte) func(func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		_, rest, _ := bytes.Cut(msg, []byte("\r\n"))
		for len(rest) > 0 && !bytes.HasPrefix(rest, []byte("\r\n")) {
			end := 0
			for {
				i := bytes.Index(rest[end:], []byte("\r\n"))
				if i < 0 {
					return
				}
				if end += i + 2; end == len(rest) || rest[end] != ' ' && rest[end] != '\t' {
					break
				}
			}
			name, _, _ := bytes.Cut(rest[:end], []byte(":"))
			if !yield(strings.ToLower(string(bytes.TrimSpace(name))), rest[:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// refuse tells the sender of a bad request so; true when there is nothing more to do with it.
func (u *udpSocket) refuse(msg []byte, from net.Addr) bool {
	answer := badRequest(u.parser, msg)
	if answer == nil {
		return false
	}
	_, _ = u.WriteTo(answer, from) // lost like any other datagram
	return true
}
