package stream

import "net/netip"

// route is where packets go and from where they may come.
type route struct {
	offered     netip.AddrPort
	peer        netip.AddrPort // the source of the talker's packets
	established bool           // peer is the only source
	confirmed   bool           // something came from the offered address
	budget      int            // packets that may still go there unconfirmed
	control     netip.AddrPort // the source of the talker's RTCP
}

// offer takes a new address from the dialog; an invalid one keeps the old destination until a new source shows.
func (r *route) offer(a netip.AddrPort) {
	old := *r
	*r = route{offered: a, budget: unconfirmed}
	if !a.IsValid() {
		r.peer = old.peer
	}
}

// destination is where sound goes now; invalid is nowhere.
func (r *route) destination() netip.AddrPort {
	if r.peer.IsValid() {
		return r.peer
	}
	if r.confirmed || r.budget > 0 {
		return r.offered
	}
	return netip.AddrPort{}
}

// spend counts a packet sent to destination.
func (r *route) spend() {
	if !r.peer.IsValid() && !r.confirmed {
		r.budget--
	}
}

// welcome says whether a packet from there may be the talker's.
func (r *route) welcome(from netip.AddrPort, allowed func(netip.Addr) bool) bool {
	if r.established {
		return from == r.peer
	}
	return r.admits(from.Addr(), allowed)
}

func (r *route) admits(a netip.Addr, allowed func(netip.Addr) bool) bool {
	if allowed != nil {
		return allowed(a)
	}
	return a == r.offered.Addr()
}

// establish makes a source the only one.
func (r *route) establish(from netip.AddrPort) { r.peer, r.established = from, true }

// admitsControl is welcome for RTCP, whose port is not the one of the sound.
func (r *route) admitsControl(from netip.AddrPort, allowed func(netip.Addr) bool) bool {
	return r.established && from.Addr() == r.peer.Addr() || !r.established && r.admits(from.Addr(), allowed)
}

// confirmControl takes note of where RTCP came from; it may confirm the offered address.
func (r *route) confirmControl(from netip.AddrPort) {
	if from.Addr() == r.offered.Addr() {
		r.confirmed = true
	}
	r.control = from
}

// controlDestination is where RTCP goes: to where it comes from, else to the port after the sound's (RFC 3550 §11).
func (r *route) controlDestination() netip.AddrPort {
	to := r.destination()
	if r.control.IsValid() && r.control.Addr() == to.Addr() {
		return r.control
	}
	if !to.IsValid() || to.Port() == 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(to.Addr(), to.Port()+1)
}
