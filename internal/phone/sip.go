package phone

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor"
)

// SIP is a phone's way to the network, on free ports of its own. It takes no calls.
type SIP struct {
	door *sipdoor.Door
	stop context.CancelFunc
	wg   sync.WaitGroup
	err  error
}

// OpenSIP binds the ports; config needs nothing set. Sound may come from wherever the called side says: a phone calls whom its user
// names. trace gets the SIP messages, nil for none.
func OpenSIP(config sipdoor.Config, trace func(parley.SIPMessage), log *slog.Logger) (*SIP, error) {
	if config.Addr == "" {
		config.Addr = "0.0.0.0:0"
	}
	deps := sipdoor.Deps{Log: log, MediaAllowed: func(netip.Addr) bool { return true }}
	if trace != nil {
		deps.Trace = func(_ string, m parley.SIPMessage) { trace(m) }
	}
	door, err := sipdoor.New(config, deps)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &SIP{door: door, stop: stop}
	s.wg.Go(func() { s.err = door.Run(ctx) })
	return s, nil
}

// Dialer gives the Dial of Deps for an address.
func (s *SIP) Dialer(t sipdoor.URITarget) func(context.Context) (media.Leg, error) {
	return func(ctx context.Context) (media.Leg, error) {
		leg, _, err := s.door.DialURI(ctx, t, func(string) {})
		return leg, err
	}
}

// Close ends what is left and frees the ports.
func (s *SIP) Close() error {
	s.stop()
	s.wg.Wait()
	if errors.Is(s.err, context.Canceled) {
		return nil
	}
	return s.err
}
