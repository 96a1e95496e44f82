package sipdoor

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// deaf refuses a call of somebody who understands no description of ours (RFC 3261 §20.1, §21.4.7); nil for all others.
func deaf(m *sip.Request) *refusal {
	kinds := m.GetHeaders("Accept")
	if len(kinds) == 0 {
		return nil // application/sdp is what is meant then
	}
	for _, h := range kinds {
		for kind := range strings.SplitSeq(h.Value(), ",") {
			switch kind, _ = parameters(strings.ToLower(kind)); kind {
			case "application/sdp", "application/*", "*/*", "":
				return nil
			}
		}
	}
	return refuse(406, "Not Acceptable")
}
