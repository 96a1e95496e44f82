package stream

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/pion/stun/v3"
)

// ICE is what both sides of a lite agent know of each other (RFC 8445 §2.5): we answer checks and never make any.
type ICE struct{ LocalUfrag, LocalPwd, RemoteUfrag, RemotePwd string }

// nominee is the address that the other side has nominated; invalid before.
type nominee struct {
	at       netip.AddrPort
	priority uint32
}

// check answers a STUN binding request on one of our sockets. Where ICE was not agreed on nobody answers: it may be a keep-alive.
// The stream is locked.
func (s *Stream) check(b []byte, from netip.AddrPort, on *net.UDPConn) {
	ice := s.p.ICE
	if ice == nil {
		return
	}
	if !s.route.admits(from.Addr(), s.p.AllowedSource) {
		s.refuse(from)
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Type != stun.BindingRequest || m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
		return
	}
	answer, sound := ice.answer(m, from)
	if answer == nil {
		return
	}
	_, _ = on.WriteToUDPAddrPort(answer.Raw, from)
	if !sound {
		s.in.refused++
		return
	}
	s.quiet = 0
	if m.Contains(stun.AttrUseCandidate) {
		s.nominate(from, priorityOf(m), on == s.rtcp)
	}
}

func priorityOf(m *stun.Message) uint32 {
	if b, err := m.Get(stun.AttrPriority); err == nil && len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// answer is the response to a binding request; sound says that it came from the other side (RFC 8489 §9.1.3, RFC 8445 §7.3).
func (i *ICE) answer(m *stun.Message, from netip.AddrPort) (res *stun.Message, sound bool) {
	integrity := stun.NewShortTermIntegrity(i.LocalPwd)
	var user stun.Username
	fail := func(code stun.ErrorCode, more ...stun.Setter) (*stun.Message, bool) {
		set := append([]stun.Setter{m, stun.NewType(stun.MethodBinding, stun.ClassErrorResponse), code}, more...)
		res, err := stun.Build(append(set, stun.Fingerprint)...)
		if err != nil {
			return nil, false
		}
		return res, false
	}
	switch {
	case user.GetFrom(m) != nil || !m.Contains(stun.AttrMessageIntegrity):
		return fail(stun.CodeBadRequest)
	case user.String() != i.LocalUfrag+":"+i.RemoteUfrag || integrity.Check(m) != nil:
		return fail(stun.CodeUnauthorized)
	case m.Contains(stun.AttrICEControlled): // a lite agent is always the controlled one (RFC 8445 §6.1.1)
		return fail(stun.CodeRoleConflict, integrity)
	}
	res, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, integrity, stun.Fingerprint)
	if err != nil {
		return nil, false
	}
	return res, true
}

// nominate sends and takes sound by the address that the other side chose (RFC 8445 §7.3.1.5). Of several the one with the highest
// priority stays, as with agents that nominate each pair that they check.
func (s *Stream) nominate(from netip.AddrPort, priority uint32, control bool) {
	if control {
		s.route.control = from
		return
	}
	if s.ice.at.IsValid() && s.ice.at != from && priority < s.ice.priority {
		return
	}
	s.ice.at, s.ice.priority = from, priority
	s.route.establish(from)
}
