package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listener is a caller that says nothing and notes when each packet of the other side came in, as the kernel saw it: its own lateness does not
// count.
type listener struct {
	s         *Server
	sip       net.Conn
	rtp       *net.UDPConn
	id, to    string // Call-ID; the To of a dialog
	target    string // where requests within the dialog go
	answerIn  time.Duration
	mu        sync.Mutex
	arrivals  []arrival
	listening sync.WaitGroup
	stop      chan struct{}
}

// arrival is a packet: its RTP time in ticks of 125 µs, and when it came.
type arrival struct {
	ticks uint32
	at    time.Time
}

var (
	toLine      = regexp.MustCompile(`(?im)^To: (.*?)\r?$`)
	contactLine = regexp.MustCompile(`(?im)^Contact: <(.*?)>`)
	audioLine   = regexp.MustCompile(`(?m)^m=audio (\d+) `)
)

// listen calls a number and listens until hangUp.
func (s *Server) listen(number string) (*listener, error) {
	l := &listener{s: s, stop: make(chan struct{}), id: strconv.FormatInt(time.Now().UnixNano(), 36)}
	var err error
	if l.sip, err = net.Dial("udp4", s.SIP); err != nil {
		return nil, err
	}
	if l.rtp, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, errors.Join(err, l.sip.Close())
	}
	if err := l.stamped(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	begun := time.Now()
	port, err := l.invite(number)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.answerIn = time.Since(begun)
	l.listening.Go(l.receive)
	l.listening.Go(func() { l.talk(port) })
	return l, nil
}

// stamped asks the kernel to say when packets came (SO_TIMESTAMPNS, socket(7)).
func (l *listener) stamped() error {
	raw, err := l.rtp.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1) })
	return errors.Join(err, set)
}

func (l *listener) send(method, uri, to string, body string) error {
	local := l.sip.LocalAddr().String()
	seq := map[string]int{"INVITE": 1, "ACK": 1, "BYE": 2}[method]
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	_, err := fmt.Fprintf(l.sip, "%[1]s %[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;branch=z9hG4bK%[4]s%[1]s;rport\r\nFrom: <sip:%[5]s@%[3]s>;tag=%[4]s\r\nTo: %[6]s\r\n"+
		"Call-ID: %[4]s\r\nCSeq: %[7]d %[1]s\r\nContact: <sip:caller@%[3]s>\r\nMax-Forwards: 70\r\n%[8]sContent-Length: %[9]d\r\n\r\n%[10]s",
		method, uri, local, l.id, CallerNumber, to, seq, kind, len(body), body)
	return err
}

// invite calls, and returns the port of the other side's sound.
func (l *listener) invite(number string) (port int, err error) {
	uri := l.s.URI(number)
	sdp := fmt.Sprintf("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n", l.rtp.LocalAddr().(*net.UDPAddr).Port)
	if err := l.send("INVITE", uri, "<"+uri+">", sdp); err != nil {
		return 0, err
	}
	answer, err := l.final()
	if err != nil {
		return 0, err
	}
	to, contact, audio := toLine.FindStringSubmatch(answer), contactLine.FindStringSubmatch(answer), audioLine.FindStringSubmatch(answer)
	if !strings.HasPrefix(answer, "SIP/2.0 200") || to == nil || contact == nil || audio == nil {
		return 0, fmt.Errorf("the call was answered with %.40q", answer)
	}
	l.to, l.target = to[1], contact[1]
	port, _ = strconv.Atoi(audio[1])
	return port, l.send("ACK", l.target, l.to, "")
}

// final is the first answer that is not provisional.
func (l *listener) final() (string, error) {
	buf := make([]byte, 8192)
	_ = l.sip.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		n, err := l.sip.Read(buf)
		if err != nil {
			return "", fmt.Errorf("no answer: %w", err)
		}
		if answer := string(buf[:n]); strings.HasPrefix(answer, "SIP/2.0 ") && !strings.HasPrefix(answer, "SIP/2.0 1") {
			return answer, nil
		}
	}
}

// receive notes packets until the socket is closed.
func (l *listener) receive() {
	buf, oob := make([]byte, 2048), make([]byte, 128)
	for {
		n, k, _, _, err := l.rtp.ReadMsgUDP(buf, oob)
		if err != nil {
			return
		}
		at := arrivedAt(oob[:k])
		if n < 12 || at.IsZero() || buf[1]&0x7f != 0 { // PCMU alone
			continue
		}
		l.mu.Lock()
		l.arrivals = append(l.arrivals, arrival{binary.BigEndian.Uint32(buf[4:]), at})
		l.mu.Unlock()
	}
}

func arrivedAt(oob []byte) time.Time {
	all, err := syscall.ParseSocketControlMessage(oob)
	if err != nil || len(all) == 0 || len(all[0].Data) < 16 {
		return time.Time{}
	}
	d := all[0].Data
	return time.Unix(int64(binary.NativeEndian.Uint64(d)), int64(binary.NativeEndian.Uint64(d[8:])))
}

// talk sends the noise of an open line.
func (l *listener) talk(port int) {
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	noise, beat := openLine(), time.NewTicker(frame)
	defer beat.Stop()
	packet := make([]byte, 12+160)
	packet[0], packet[11] = 0x80, 7 // version 2, an SSRC
	for i := uint32(0); ; i++ {
		select {
		case <-l.stop:
			return
		case <-beat.C:
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		binary.BigEndian.PutUint32(packet[4:], i*160)
		copy(packet[12:], noise[i%50*160:])
		_, _ = l.rtp.WriteToUDP(packet, to) // the server may have ended the call
	}
}

// hangUp says BYE and waits for its answer.
func (l *listener) hangUp() error {
	err := l.send("BYE", l.target, l.to, "")
	if err == nil {
		_, err = l.final()
	}
	return errors.Join(err, l.close())
}

func (l *listener) close() error {
	close(l.stop)
	err := errors.Join(l.rtp.Close(), l.sip.Close())
	l.listening.Wait()
	return err
}

// lateness is how much later than the earliest each packet came that came within a span of time.
func lateness(all []*listener, from, to time.Time) (late []time.Duration) {
	for _, l := range all {
		l.mu.Lock()
		var transits []time.Duration
		for _, a := range l.arrivals {
			if a.at.After(from) && a.at.Before(to) {
				transits = append(transits, a.at.Sub(from)-time.Duration(a.ticks-l.arrivals[0].ticks)*125*time.Microsecond)
			}
		}
		l.mu.Unlock()
		if len(transits) == 0 {
			continue
		}
		least := slices.Min(transits)
		for _, t := range transits {
			late = append(late, t-least)
		}
	}
	slices.Sort(late)
	return late
}

// share is the value that a share of sorted durations does not exceed; 0 of none.
func share(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)].Round(100 * time.Microsecond)
}
