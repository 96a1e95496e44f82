package sipdoor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// allowed are the methods that we take (RFC 3261 §20.5).
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, NOTIFY, INFO, REGISTER"

const (
	// headersMost is how many headers a request may have, values of one that are written apart counted each.
	headersMost = 250
	// hopsMost is how many Vias, Routes and Record-Routes: as many as Max-Forwards lets a request pass (RFC 3261 §8.1.1.6).
	hopsMost = 70
)

// in says whether a list of names holds one.
func in(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(one), name) {
			return true
		}
	}
	return false
}

// refusal is an answer that says no.
type refusal struct {
	status  int
	reason  string
	headers []sip.Header
	body    []byte // a session description, for a refusal that is none
}

func refuse(status int, reason string, headers ...sip.Header) *refusal {
	return &refusal{status: status, reason: reason, headers: headers}
}

// singular are the headers that a message has exactly or at most once, with their compact forms (RFC 3261 §7.3.1, §7.3.3).
var singular = map[string]string{
	"to": "to", "t": "to", "from": "from", "f": "from", "call-id": "call-id", "i": "call-id", "cseq": "cseq",
	"content-length": "content-length", "l": "content-length", "max-forwards": "max-forwards",
}

// faultOf says what makes a request unfit to be worked on; nil when nothing does. The library lets these pass.
func faultOf(m *sip.Request) *refusal {
	if m.SipVersion != "SIP/2.0" {
		return refuse(505, "Version Not Supported")
	}
	if m.Via() == nil || m.To() == nil || m.From() == nil || m.CallID() == nil || m.CSeq() == nil || m.CallID().Value() == "" {
		return refuse(sip.StatusBadRequest, "Missing Header")
	}
	if !strings.EqualFold(string(m.CSeq().MethodName), string(m.Method)) && m.Method != cancelIn { // the library writes one of them large
		return refuse(sip.StatusBadRequest, "CSeq Method Mismatch")
	}
	count := map[string]int{}
	if len(m.Headers()) > headersMost {
		return refuse(sip.StatusBadRequest, "Too Many Headers")
	}
	for _, h := range m.Headers() {
		if many := sip.HeaderToLower(h.Name()); many == "via" || many == "record-route" || many == "route" {
			if count[many]++; count[many] > hopsMost {
				return refuse(sip.StatusBadRequest, "Too Many "+h.Name())
			}
		}
		if name, ok := singular[sip.HeaderToLower(h.Name())]; ok {
			if count[name]++; count[name] > 1 {
				return refuse(sip.StatusBadRequest, "Repeated Header "+h.Name())
			}
		}
	}
	if l := m.ContentLength(); l != nil && int(*l) != len(m.Body()) {
		return refuse(sip.StatusBadRequest, "Content-Length Mismatch")
	}
	return nil
}

// extensions are the option tags that a request may require.
func (c *Config) extensions() []string {
	if c.Reliable == ReliableNever {
		return []string{"replaces", "timer"}
	}
	return []string{"replaces", "timer", rel}
}

// supported is the list of extensions that others are told (RFC 3261 §20.37).
func (c *Config) supported() string { return strings.Join(c.extensions(), ", ") }

// unfit says what else keeps a well-formed request from being served: a scheme we do not route by, an extension that we do not have
// (RFC 3261 §8.2).
func unfit(m *sip.Request, extensions []string) *refusal {
	switch m.Recipient.Scheme {
	case "sip", "sips", "tel":
	default:
		return refuse(416, "Unsupported URI Scheme")
	}
	if m.Method == cancelIn || m.IsAck() {
		return nil // a Require in them is ignored (§8.2.2.3)
	}
	var unknown []string
	for _, name := range []string{"Require", "Proxy-Require"} {
		for _, h := range m.GetHeaders(name) {
			for tag := range strings.SplitSeq(h.Value(), ",") {
				if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(extensions, strings.ToLower(tag)) {
					unknown = append(unknown, tag)
				}
			}
		}
	}
	if len(unknown) > 0 {
		return refuse(sip.StatusBadExtension, "Bad Extension", sip.NewHeader("Unsupported", strings.Join(unknown, ", ")))
	}
	if m.Method == sip.INVITE {
		return deaf(m)
	}
	return nil
}

// retryAfter is a header for a refusal that passes.
func retryAfter(seconds int) sip.Header { return sip.NewHeader("Retry-After", strconv.Itoa(seconds)) }

func noMethod() *refusal {
	return refuse(sip.StatusMethodNotAllowed, "Method Not Allowed", sip.NewHeader("Allow", allowed))
}

// noSuchMethod refuses a request by its method: one that we know is not for here, another nobody implements (RFC 3261 §21.5.2).
func noSuchMethod(m sip.RequestMethod) *refusal {
	switch m {
	case sip.REGISTER, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.INFO, sip.MESSAGE, sip.PRACK, sip.UPDATE, sip.PUBLISH:
		return noMethod()
	}
	return refuse(sip.StatusNotImplemented, "Not Implemented", sip.NewHeader("Allow", allowed))
}

func noDialog() *refusal {
	return refuse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
}

func noCapacity() *refusal {
	return refuse(sip.StatusServiceUnavailable, "Service Unavailable", retryAfter(30))
}
