package stream

import (
	"bytes"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Suite names how packets are encrypted and authenticated.
type Suite = srtp.ProtectionProfile

// SRTP is what both sides agreed to protect packets with (RFC 3711). A key is the master key with its salt behind it.
type SRTP struct {
	Suite         Suite
	Local, Remote []byte // what we send with, and the other side
	RemoteMKI     []byte // stands in each of the other side's packets; empty for none
}

// replays is how far back repeated packets are known (RFC 3711 §3.3.2 wants at least 64).
const replays = 512

// vault opens and closes packets. The zero value lets them pass as they are.
type vault struct {
	locked  bool // nothing passes in clear, keyed or not
	keys    SRTP
	in, out *srtp.Context
	header  rtp.Header // kept so that a packet costs no allocation
	opened  []byte
	sealed  []byte
}

// turn takes what was agreed on: nil is no protection. Keys that stay as they were go on counting where they are (RFC 3711 §3.2.1).
func (v *vault) turn(k *SRTP) error {
	if k == nil {
		*v = vault{}
		return nil
	}
	v.locked = true
	if v.in == nil || v.keys.Suite != k.Suite || !bytes.Equal(v.keys.Remote, k.Remote) || !bytes.Equal(v.keys.RemoteMKI, k.RemoteMKI) {
		opts := []srtp.ContextOption{srtp.SRTPReplayProtection(replays), srtp.SRTCPReplayProtection(replays)}
		if len(k.RemoteMKI) > 0 {
			opts = append(opts, srtp.MasterKeyIndicator(k.RemoteMKI))
		}
		in, err := newContext(k.Suite, k.Remote, opts...)
		if err != nil {
			return err
		}
		v.in = in
	}
	if v.out == nil || v.keys.Suite != k.Suite || !bytes.Equal(v.keys.Local, k.Local) {
		out, err := newContext(k.Suite, k.Local)
		if err != nil {
			return err
		}
		v.out = out
	}
	v.keys = *k
	return nil
}

func newContext(s Suite, key []byte, opts ...srtp.ContextOption) (*srtp.Context, error) {
	n, err := s.KeyLen()
	if err != nil {
		return nil, fmt.Errorf("stream: SRTP suite: %w", err)
	}
	if len(key) < n {
		return nil, fmt.Errorf("stream: SRTP key of %d bytes", len(key))
	}
	c, err := srtp.CreateContext(key[:n], key[n:], s, opts...)
	if err != nil {
		return nil, fmt.Errorf("stream: SRTP key: %w", err)
	}
	return c, nil
}

// open gives the RTP packet in a datagram; false when it is forged, repeated, or cannot be opened yet.
func (v *vault) open(b []byte) ([]byte, bool) {
	if !v.locked {
		return b, true
	}
	if v.in == nil {
		return nil, false
	}
	v.header = rtp.Header{CSRC: v.header.CSRC[:0], Extensions: v.header.Extensions[:0]}
	opened, err := v.in.DecryptRTP(v.opened[:0], b, &v.header)
	if err != nil {
		return nil, false
	}
	v.opened = opened
	return opened, true
}

// seal gives the datagram for an RTP packet; false when there is no key yet.
func (v *vault) seal(b []byte) ([]byte, bool) {
	if !v.locked {
		return b, true
	}
	if v.out == nil {
		return nil, false
	}
	sealed, err := v.out.EncryptRTP(v.sealed[:0], b, &v.header)
	if err != nil {
		return nil, false
	}
	v.sealed = sealed
	return sealed, true
}

// openControl is open for RTCP.
func (v *vault) openControl(b []byte) ([]byte, bool) {
	if !v.locked {
		return b, true
	}
	if v.in == nil {
		return nil, false
	}
	opened, err := v.in.DecryptRTCP(nil, b, nil)
	return opened, err == nil
}

// sealControl is seal for RTCP.
func (v *vault) sealControl(b []byte) ([]byte, bool) {
	if !v.locked {
		return b, true
	}
	if v.out == nil {
		return nil, false
	}
	sealed, err := v.out.EncryptRTCP(nil, b, nil)
	return sealed, err == nil
}
