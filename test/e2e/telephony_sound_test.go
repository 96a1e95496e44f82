package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// certificate makes a self-signed one for loopback and returns the files of it and of its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "parley"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	public, err1 := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	secret, err2 := x509.MarshalECPrivateKey(private)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(err1, err2,
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestCallsOverEveryTransport(t *testing.T) {
	NeedModels(t)
	Need(t, "sipp")
	cert, key := certificate(t)
	tls := "127.0.0.1:" + strconv.Itoa(freePort(t))
	s := Start(t, Env("PARLEY_SIP_TLS_LISTEN="+tls, "PARLEY_SIP_TLS_CERT="+cert, "PARLEY_SIP_TLS_KEY="+key))
	s.Clinic(nil)
	for transport, args := range map[string][]string{"udp": nil, "tcp": {"--transport", "tcp"}, "tls": {"--transport", "tls", "--insecure"}} {
		t.Run("parley call over "+transport, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			if transport == "tls" {
				s.SIP = tls
			}
			out, code := s.Call(Number, append(args, "--from", "caller-"+transport, "--say", "How much does a cleaning cost?")...)
			if code != 0 || !strings.Contains(out, "60") && !strings.Contains(strings.ToLower(out), "sixty") {
				t.Errorf("exit code %d\n%s", code, out)
			}
			if c := s.lastCallOf("caller-" + transport); c["status"] != "completed" {
				t.Errorf("call %v", c)
			}
		})
	}
	t.Run("sipp over TCP", func(t *testing.T) {
		t.Parallel()
		s.calls(t, Number, []string{invites(spokenSDP), answered, acknowledges, `<pause milliseconds="500"/>`, saysBye}, "-t", "t1")
	})
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		s.SIP = tls
		if _, code := s.Call(Number, "--transport", "tls", "--play", silence(t, time.Second)); code == 0 {
			t.Error("a phone took it")
		}
	})
}

// keys are what callers pressed, as the transcript has it.
func keys(call JSON) (all []string) {
	for _, t := range turns(call) {
		if text, _ := t.(JSON)["text"].(string); strings.HasPrefix(text, "pressed ") {
			all = append(all, strings.TrimPrefix(text, "pressed "))
		}
	}
	return all
}

func TestKeysAndHold(t *testing.T) {
	NeedModels(t)
	Need(t, "sipp")
	s := Start(t)
	s.Clinic(nil)
	t.Run("keys of parley call", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		s.Call(Number, "--from", "+12025550101", "--dtmf", "1")
		if k := keys(s.lastCallOf("+12025550101")); len(k) != 1 || k[0] != "1" {
			t.Errorf("pressed %q", k)
		}
	})
	t.Run("keys of sipp", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			t.Skip("needs root: sipp sends captured packets on a raw socket")
		}
		press := `
  <nop><action><exec play_pcap_audio="/usr/share/sip-tester/dtmf_2833_5.pcap"/></action></nop>
  <pause milliseconds="1500"/>`
		s.calls(t, Number, []string{invites(spokenSDP), answered, acknowledges, press, saysBye}, "-mp", strconv.Itoa(freePort(t)))
		if k := keys(s.in(t).lastCallOf(CallerNumber)); len(k) != 1 || k[0] != "5" {
			t.Errorf("pressed %q", k)
		}
	})
	t.Run("an offer of ours in mid-call moves the sound to A-law (RFC 3261 §14.2)", func(t *testing.T) {
		t.Parallel()
		answer := strings.NewReplacer("AVP 0", "AVP 8", "0 PCMU", "8 PCMA").Replace(spokenSDP)
		s.calls(t, Number, []string{invites(spokenSDP), answered, acknowledges, aWhile, offersNothing(answer), aWhile, saysBye}, "-cid_str", "late-offer")
		s.Wait("the call is over", 10*time.Second, func() bool {
			return strings.Contains(s.Log(), `msg="call over" sip_call=late-offer cause=remote sound="{Codec:PCMA `)
		})
	})
	t.Run("hold and resume", func(t *testing.T) {
		ear, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer ear.Close()
		sdp := strings.ReplaceAll(spokenSDP, "[media_port]", strconv.Itoa(ear.LocalAddr().(*net.UDPAddr).Port))
		const second = `
  <pause milliseconds="1000"/>`
		recvOnly := strings.Replace(answered, `rrs="true"></recv>`, `rrs="true">
    <action><ereg regexp="a=recvonly" search_in="body" check_it="true" assign_to="checked"/></action></recv>`, 1)
		finished := s.dials(t, Number, []string{invites(sdp), answered, acknowledges, second,
			reinvites(sdp + "\na=sendonly"), recvOnly, acknowledges, second, reinvites(sdp + "\na=sendrecv"), answered, acknowledges, second, saysBye})
		pauses := gaps(t, ear)
		finished()
		if len(pauses) != 1 || pauses[0] < 900*time.Millisecond || pauses[0] > 3*time.Second {
			t.Errorf("the sound pauses %v, want once for a second", pauses)
		}
	})
}

// gaps listens until no packet has come for five seconds and returns the pauses of over half a second between packets.
func gaps(t *testing.T, ear *net.UDPConn) (all []time.Duration) {
	t.Helper()
	var last time.Time
	buf := make([]byte, 2048)
	for {
		_ = ear.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := ear.Read(buf)
		now := time.Now()
		if err != nil {
			return all
		}
		if !last.IsZero() && now.Sub(last) > 500*time.Millisecond {
			all = append(all, now.Sub(last))
		}
		last = now
	}
}
