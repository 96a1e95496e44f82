package parley

import (
	"strings"
	"time"
)

// SIPMessage is a SIP message of a call as it passed the server's door, kept so that a failed call can be read. Credentials and media keys
// never stand in it.
type SIPMessage struct {
	ID, CallID string
	Seq        int // order within the call, from 1
	At         time.Time
	Sent       bool   // by us
	Transport  string // udp, tcp, tls
	Peer       string // address and port of the other side
	Raw        string // up to some length; Cut says that there was more
	Cut        bool
}

// FirstLine is the request line or the status line.
func (m *SIPMessage) FirstLine() string {
	line, _, _ := strings.Cut(m.Raw, "\n")
	return strings.TrimRight(line, "\r")
}
