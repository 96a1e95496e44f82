package sipdoor

import (
	"log/slog"
	"net/netip"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// toward is the address whose route the sound takes: the media's where the signalling is of the other family, else the signalling's.
func (a agreed) toward(signalling netip.Addr) netip.Addr {
	if m := a.remote.Addr(); m.IsValid() && m.Is4() != signalling.Is4() {
		return m
	}
	return signalling
}

// openStream binds the ports of a call with a peer.
func (d *dialog) openStream(peer netip.Addr) error {
	door := d.door
	s, err := stream.Open(stream.Config{
		LocalIP: door.stack.local(peer), Ports: door.cfg.RTPPorts, Pacer: door.pacer, Log: d.log, MediaTimeout: door.cfg.MediaTimeout,
	})
	if err != nil {
		return err
	}
	d.stream, d.ended = s, s.Done()
	d.describe(peer, s.Port())
	return nil
}

// describe begins our side of the session with a peer.
func (d *dialog) describe(peer netip.Addr, port int) {
	cfg := &d.door.cfg
	d.sound = newSession(d.door.stack.self(peer), port, cfg.Codecs)
	d.sound.noise = cfg.ComfortNoise
	d.sound.locks.identity = d.door.identity
	d.sound.locks.propose(cfg.Encryption.over(d.peer.source.network))
}

// params says what the stream is to do. Sound goes only to where the peer's signalling comes from, to its trunk's networks and to what
// the operator allows: an address in SDP is a request to send packets to anybody. Another gets none; the source may still show itself.
func (d *Door) params(a agreed, dlg *dialog) stream.Params {
	source := dlg.peer.source.addr.Addr()
	may := func(to netip.Addr) bool {
		return to == source || d.book.owns(dlg.trunk, to) && d.trunkMay(to) || d.deps.MediaAllowed != nil && d.deps.MediaAllowed(to)
	}
	p := stream.Params{
		Remote: a.remote, Control: a.control, Mux: a.mux, AllowedSource: may, Codec: a.codec, PayloadType: a.payload, Tuning: a.tuning,
		Holding: dlg.sound.holding, Music: d.cfg.Music,
		Others: a.others, PacketTime: a.ptime, DTMFPayload: a.dtmf, DTMFClock: a.dtmfClock,
		SendHold: a.sendHold, RecvHold: a.recvHold || a.sendHold, // who holds us may be silent
	}
	p.Noise = a.noise && d.cfg.ComfortNoise
	dlg.sound.locks.set(&p, a)
	if !may(a.control.Addr()) {
		p.Control = netip.AddrPort{}
	}
	if to := a.remote.Addr(); to.IsValid() && !may(to) {
		dlg.log.Warn("media address refused: neither the caller's own, nor its trunk's, nor in egress.allow",
			slog.Group("pii", "media", to.String(), "source", source.String()))
		p.Remote = netip.AddrPort{}
	}
	return p
}
