package sipdoor

import (
	"fmt"

	"github.com/parley-voice/parley/internal/media"
)

// Reasons beside those that name a SIP status.
const (
	reasonUnreachable = "trunk_unreachable"
	reasonRingTimeout = "ring_timeout"
	reasonCanceled    = "canceled"
	reasonBadAnswer   = "bad_answer"
	reasonNoPorts     = "no_media_ports"
	reasonNoCapacity  = "no_capacity"
	reasonHungUp      = "hung_up"
	reasonClosed      = "server_stopped"
)

// outcomeOf is the one table from final SIP status to what became of a call.
func outcomeOf(status int) *media.NotAnswered {
	na := &media.NotAnswered{Outcome: media.OutcomeFailed, Status: status, Reason: fmt.Sprintf("sip_%d", status)}
	switch status {
	case 486, 600:
		na.Outcome = media.OutcomeBusy
	case 408, 480, 487:
		na.Outcome = media.OutcomeNoAnswer
	}
	return na
}
