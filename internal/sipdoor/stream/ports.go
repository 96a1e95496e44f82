package stream

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
)

// ErrNoPort says that no pair of ports is free.
var ErrNoPort = errors.New("stream: no free pair of ports")

// anyTries is how often the system is asked for a pair before giving up.
const anyTries = 64

// bind opens an even port for RTP and the odd one after it for RTCP (RFC 3550 §11), at a random place of the range.
func bind(ip netip.Addr, ports [2]uint16) (rtp, rtcp *net.UDPConn, err error) {
	if !ip.IsValid() {
		return nil, nil, errors.New("stream: no local address")
	}
	if ports == [2]uint16{} {
		return bindAny(ip)
	}
	first, last := int(ports[0])+int(ports[0])&1, int(ports[1])
	pairs := (last - first + 1) / 2
	if pairs < 1 {
		return nil, nil, fmt.Errorf("%w: the range %d-%d holds none", ErrNoPort, ports[0], ports[1])
	}
	for i, from := 0, rand.IntN(pairs); i < pairs; i++ {
		if rtp, rtcp, err = bindPair(ip, uint16(first+2*((from+i)%pairs))); err == nil {
			return rtp, rtcp, nil
		}
	}
	return nil, nil, fmt.Errorf("%w in %d-%d: %w", ErrNoPort, ports[0], ports[1], err)
}

func bindAny(ip netip.Addr) (rtp, rtcp *net.UDPConn, err error) {
	for range anyTries {
		var c *net.UDPConn
		if c, err = listen(ip, 0); err != nil {
			break
		}
		port := uint16(c.LocalAddr().(*net.UDPAddr).Port) &^ 1
		if err = c.Close(); err != nil {
			break
		}
		if rtp, rtcp, err = bindPair(ip, port); err == nil {
			return rtp, rtcp, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: %w", ErrNoPort, err)
}

func bindPair(ip netip.Addr, port uint16) (rtp, rtcp *net.UDPConn, err error) {
	if rtp, err = listen(ip, port); err != nil {
		return nil, nil, err
	}
	if rtcp, err = listen(ip, port+1); err != nil {
		return nil, nil, errors.Join(err, rtp.Close())
	}
	return rtp, rtcp, nil
}

func listen(ip netip.Addr, port uint16) (*net.UDPConn, error) {
	network := "udp4"
	if !ip.Is4() {
		network = "udp6"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
}
