package sipdoor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// Config is what an operator sets. Zero values take the defaults named.
type Config struct {
	Addr    string // host:port of UDP and TCP; port 0 picks one that is free for both
	TLSAddr string // host:port of TLS; empty for none
	// TLS holds the certificate that callers see; TLSClient is for calls out, nil trusts the system's authorities.
	TLS, TLSClient *tls.Config
	// ExternalIP is written in SDP, Contact and Via; without it the local address of the route to the peer.
	ExternalIP   netip.Addr
	RTPPorts     [2]uint16      // lowest and highest; 0, 0 for any
	Codecs       []stream.Codec // that may be used, in the order we offer them; empty for all
	MediaTimeout time.Duration  // a leg that hears nothing for so long ends
	UserAgent    string         // default "parley"
	Accept       Accept
	Music        []int16  // 16 kHz, for whom we hold; empty is silence
	Reliable     Reliable // when provisional responses are reliable
	Refer        bool     // take the REFERs of trunks' and friends' calls; else they are declined
	Encryption   Encryption
	ComfortNoise bool // silence of ours is sent as comfort noise to peers that offer it (RFC 3389)
	// Digest are the algorithms of challenges to callers, the preferred one first: parley.DigestMD5, parley.DigestSHA256. Default MD5 alone.
	Digest []string
	// Secret makes nonces that outlive a restart; without one they do not.
	Secret   []byte
	Scanners []string // parts of User-Agent, in small letters, whose requests get no answer
	Timers   Timers
	Limits   Limits
}

// Accept says who may call. Digest credentials admit from anywhere.
type Accept struct {
	Any, Trunks, Loopback bool
	Networks              []netip.Prefix
	Users                 map[string]string // passwords by user
}

// Timers are the clocks of calls; zero values take the defaults.
type Timers struct {
	T1, T2     time.Duration // of RFC 3261 §17.1.1.1, for the repetition of a 2xx: 500 ms and 4 s
	Ring       time.Duration // an outbound call may ring: 60 s
	Unreached  time.Duration // no answer of any kind to an INVITE, then the next address of the trunk: 8 s
	CancelWait time.Duration // a CANCEL that overtook its INVITE waits: 200 ms
	Reply      time.Duration // a request other than INVITE waits for its final response: 10 s
	Refer      time.Duration // what becomes of a REFER must be known: Ring and 30 s
	Close      time.Duration // the last BYEs may take at the end: 3 s
	Trunks     time.Duration // the list of trunks is read again: 10 s
	Check      time.Duration // an active trunk is asked whether it is there: 60 s; negative never asks
	KeepAlive  time.Duration // between signs of life to softphones behind NAT, to trunks that we are registered at, and on our connections: 25 s
	Register   time.Duration // asked for as life of a registration: 10 min
	Retry      time.Duration // a failed registration is tried again, doubled up to 32 times: 30 s
	// Session is how long a call lasts without a refresh (RFC 4028), as we ask for: 30 min; negative does not ask. LeastSession is what
	// others may ask for at least: 90 s.
	Session, LeastSession time.Duration
}

// Limits bound what strangers can make the door hold or do; zero values take the defaults.
type Limits struct {
	Message      int // bytes: 16,384
	Dialogs      int // 2,000
	Transactions int // of strangers' and callers' requests: 20,000
	Connections  int // TCP and TLS: 1,000; a single address gets a tenth
	Rate, Burst  int // datagrams a second from an address that is not known: 50, 200
}

// Trunk is a trunk with its password unsealed.
type Trunk struct {
	parley.SIPTrunk
	Password string
}

// Resolver asks the DNS; *net.Resolver is one, and DNS knows NAPTR records beside.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Deps are what the door needs of the house. Only Log is required.
type Deps struct {
	Answerer media.Answerer // nil refuses every call
	// Trunks lists all trunks: their hosts may call, and those with a username are registered at.
	Trunks func(context.Context) ([]Trunk, error)
	// Full says that no call can be taken now: 503 with Retry-After before any work.
	Full       func() bool
	Softphones Softphones // nil registers nobody
	// TrunkAllowed says that a trunk may lead to an address; nil allows all.
	TrunkAllowed func(netip.Addr) bool
	// MediaAllowed says that sound may be sent to an address beside the caller's own and its trunk's; nil allows none.
	MediaAllowed func(netip.Addr) bool
	Resolver     Resolver // nil is the system's
	// Trace gets every message with a Call-ID that the door reads and sends, without credentials and media keys; nil for none. It is
	// called where messages are read and must not block.
	Trace func(networkID string, m parley.SIPMessage)
	Log   *slog.Logger
}

func or[T comparable](p *T, def T) {
	var zero T
	if *p == zero {
		*p = def
	}
}

// withDefaults fills what is not set and reports what cannot be.
func (c Config) withDefaults() (Config, error) {
	or(&c.UserAgent, "parley")
	c.Codecs = usable(c.Codecs)
	t, l := &c.Timers, &c.Limits
	for p, def := range map[*time.Duration]time.Duration{
		&t.T1: 500 * time.Millisecond, &t.T2: 4 * time.Second, &t.Ring: time.Minute, &t.Unreached: 8 * time.Second,
		&t.CancelWait: 200 * time.Millisecond, &t.Reply: 10 * time.Second, &t.Close: 3 * time.Second, &t.Trunks: 10 * time.Second,
		&t.KeepAlive: 25 * time.Second, &t.Check: time.Minute, &t.Register: 10 * time.Minute, &t.Retry: 30 * time.Second,
		&t.Session: 30 * time.Minute, &t.LeastSession: shortestSession,
	} {
		or(p, def)
	}
	or(&t.Refer, t.Ring+30*time.Second)
	for p, def := range map[*int]int{
		&l.Message: 16 << 10, &l.Dialogs: 2000, &l.Transactions: 20000, &l.Connections: 1000, &l.Rate: 50, &l.Burst: 200,
	} {
		or(p, def)
	}
	if len(c.Digest) == 0 {
		c.Digest = []string{parley.DigestMD5}
	}
	for _, a := range c.Digest {
		if parley.DigestHA1(a, "", "") == "" {
			return c, fmt.Errorf("sipdoor: digest algorithm %q is none of %s, %s", a, parley.DigestMD5, parley.DigestSHA256)
		}
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return c, fmt.Errorf("sipdoor: address %q: %w", c.Addr, err)
	}
	if len(c.Codecs) == 0 {
		return c, errors.New("sipdoor: none of the codecs can be used: opus needs libopus on the system")
	}
	if c.TLSAddr != "" && c.TLS == nil {
		return c, errors.New("sipdoor: TLS needs a certificate")
	}
	return c, nil
}

// usable are the codecs that are wanted and can be used.
func usable(wanted []stream.Codec) []stream.Codec {
	all := stream.Codecs()
	if len(wanted) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(c stream.Codec) bool { return !slices.Contains(all, c) })
}

// lastAck is how long a 2xx is repeated: 64*T1 (RFC 3261 §13.3.1.4).
func (t Timers) lastAck() time.Duration { return 64 * t.T1 }
