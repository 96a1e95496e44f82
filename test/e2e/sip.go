package e2e

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"
)

// Invite sends an INVITE with an offer and returns the first answer that is not provisional.
func (s *Server) Invite(number string) (answer string) {
	s.t.Helper()
	conn, err := net.Dial("udp4", s.SIP)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	const sdp = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
	_, err = fmt.Fprintf(conn, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]d;rport\r\nFrom: <sip:x@%[2]s>;tag=%[3]d\r\nTo: <%[1]s>\r\n"+
		"Call-ID: %[3]d@%[2]s\r\nCSeq: 1 INVITE\r\nContact: <sip:x@%[2]s>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: %[4]d\r\n\r\n%[5]s",
		s.URI(number), conn.LocalAddr(), time.Now().UnixNano(), len(sdp), sdp)
	buf := make([]byte, 4096)
	for err == nil {
		var n int
		_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		n, err = conn.Read(buf)
		if answer = string(buf[:n]); err == nil && !strings.HasPrefix(answer, "SIP/2.0 1") {
			return answer
		}
	}
	s.t.Fatalf("no answer to an INVITE: %v", err)
	return ""
}

// okTo answers any SIP request with 200 by copying the headers that RFC 3261 §8.2.6.2 names.
func okTo(request []byte) []byte {
	var b bytes.Buffer
	b.WriteString("SIP/2.0 200 OK\r\n")
	for _, line := range strings.Split(string(request), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "via", "v", "from", "f", "call-id", "i", "cseq":
			b.WriteString(line + "\r\n")
		case "to", "t":
			b.WriteString(line + ";tag=probe\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}
