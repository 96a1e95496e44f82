package sipdoor

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// sipfrag is the body of a NOTIFY about a REFER (RFC 3420).
const sipfrag = "message/sipfrag"

// notify is what a NOTIFY says.
type notify struct {
	event, id     string
	state, reason string // of the subscription
	status        int    // of the call to the target; 0 when it says nothing
}

// readNotify reads a NOTIFY about a REFER (RFC 3515 §2.4.4, §2.4.5). A refusal says what is wrong with it.
func readNotify(req *sip.Request) (n notify, wrong *refusal) {
	h := req.GetHeader("Event")
	if h == nil {
		h = req.GetHeader("o") // its compact form
	}
	if h == nil {
		return n, refuse(489, "Bad Event", sip.NewHeader("Allow-Events", "refer"))
	}
	var params map[string]string
	n.event, params = parameters(h.Value())
	n.id = params["id"]
	if !strings.EqualFold(n.event, "refer") {
		return n, refuse(489, "Bad Event", sip.NewHeader("Allow-Events", "refer"))
	}
	if s := req.GetHeader("Subscription-State"); s != nil {
		n.state, params = parameters(strings.ToLower(s.Value()))
		n.reason = params["reason"]
	}
	if len(req.Body()) == 0 {
		return n, nil
	}
	if t := req.ContentType(); t != nil {
		if kind, _ := parameters(strings.ToLower(t.Value())); kind != sipfrag {
			return n, refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", sip.NewHeader("Accept", sipfrag))
		}
	}
	var ok bool
	if n.status, ok = fragment(req.Body()); !ok {
		return n, refuse(sip.StatusBadRequest, "Bad Fragment")
	}
	return n, nil
}

// fragment is the status in the first line of a sipfrag.
func fragment(body []byte) (status int, ok bool) {
	line, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n \t"), []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) < 2 || !strings.EqualFold(words[0], "SIP/2.0") {
		return 0, false
	}
	status, err := strconv.Atoi(words[1])
	return status, err == nil && status >= 100 && status <= 699
}

// parameters splits a header's value from what follows it after semicolons.
func parameters(value string) (string, map[string]string) {
	parts := strings.Split(value, ";")
	params := map[string]string{}
	for _, p := range parts[1:] {
		name, v, _ := strings.Cut(p, "=")
		params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return strings.TrimSpace(parts[0]), params
}

// notified serves a NOTIFY within the dialog. One for a REFER that is settled is welcome, too: it is late, or repeated by a new request.
func (d *dialog) notified(req *sip.Request, tx *sip.ServerTx) {
	n, wrong := readNotify(req)
	g := d.referring
	switch {
	case wrong != nil:
	case g == nil || n.id != "" && !slices.ContainsFunc(g.seqs, func(s uint32) bool { return strconv.Itoa(int(s)) == n.id }):
		wrong = refuse(sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist")
	}
	if wrong != nil {
		d.door.respond(req, tx, wrong)
		return
	}
	d.door.respond(req, tx, ok())
	g.notified(n.status, n.state, n.reason)
}
