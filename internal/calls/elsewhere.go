package calls

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// listen is how often a node that is on calls looks whether others want some of them to end.
const listen = time.Second

// heldElsewhere says that another node runs a call, by its row: one whose lease has run out runs nowhere.
func (s *Switchboard) heldElsewhere(c *parley.Call) bool {
	return c.NodeID != "" && c.NodeID != s.cfg.NodeID && time.Now().Before(c.LeaseUntil)
}

// obey ends the calls of this node that were ended at another.
func (s *Switchboard) obey(ctx context.Context) {
	if s.Live() == 0 {
		return
	}
	var asked map[string]string
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		asked, err = tx.AskedToEnd(ctx, s.cfg.NodeID)
		return err
	})
	if err != nil {
		return // the next look finds them
	}
	for id, reason := range asked {
		if l := s.find(id); l != nil {
			l.end(reason)
		}
	}
}
