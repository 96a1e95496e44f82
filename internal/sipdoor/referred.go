package sipdoor

import (
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

const (
	// unheard is how long a wish may wait for somebody to take it.
	unheard = 5 * time.Second
	// untold bounds the news about one REFER that wait for the answer to the last NOTIFY.
	untold = 16
)

var _ media.Referee = (*leg)(nil)

// Wishes implements media.Referee.
func (l *leg) Wishes() <-chan media.Wish { return l.wishes }

// referred is a REFER of the far side's that was taken, and the NOTIFYs about it (RFC 3515 §2.4.4): one at a time, since they tell a
// story.
type referred struct {
	dialog *dialog
	id     uint32 // the REFER's CSeq
	news   []int  // statuses to be told
	busy   bool   // a NOTIFY is on its way
	moved  bool   // somebody works on it
	closed bool   // a final status is among the news
	ended  bool   // and was told
	timers []*time.Timer
}

func (f *referred) pending() bool { return f != nil && !f.ended }

// askedToCall serves a REFER within the dialog.
func (d *dialog) askedToCall(req *sip.Request, tx *sip.ServerTx) {
	w, wrong := d.wishOf(req)
	if wrong != nil {
		d.log.Info("REFER refused", "status", wrong.status, slog.Group("pii", "to", w.To))
		d.door.respond(req, tx, wrong)
		return
	}
	f := &referred{dialog: d, id: req.CSeq().SeqNo}
	w.Progress = func(status int) { d.box.put(func() { f.moved = true; f.progress(status) }) }
	select {
	case d.theLeg().wishes <- w:
	default:
		d.door.respond(req, tx, refuse(sip.StatusRequestPending, "Request Pending"))
		return
	}
	d.referred = f
	d.door.respond(req, tx, refuse(sip.StatusAccepted, "Accepted", &sip.ContactHeader{Address: d.peer.contact}))
	f.progress(sip.StatusTrying) // the immediate one (§2.4.4)
	f.timers = append(f.timers,
		d.after(unheard, func() {
			if !f.moved {
				f.progress(603)
			}
		}),
		d.after(d.door.cfg.Timers.Refer, func() { f.progress(sip.StatusRequestTimeout) }))
}

// wishOf judges a REFER: unless the operator takes them it is declined, and so is a stranger's, who came in because everybody may call.
func (d *dialog) wishOf(req *sip.Request) (w media.Wish, wrong *refusal) {
	headers := req.GetHeaders("Refer-To")
	if len(headers) != 1 { // §2.4.2
		return w, refuse(sip.StatusBadRequest, "Exactly One Refer-To Wanted")
	}
	to, ok := addressIn(headers[0].Value())
	if !ok {
		return w, refuse(sip.StatusBadRequest, "Bad Refer-To")
	}
	w.To = userOf(&to)
	if r, there := to.Headers.Get("Replaces"); there {
		w.Replaces, _ = url.PathUnescape(r)
	}
	method := to.UriParams.GetOr("method", "INVITE")
	friend := d.trunk != "" || d.softphone || d.door.standing(d.peer.source.addr.Addr()) == known
	switch {
	case !d.door.cfg.Refer, !friend, d.phase != confirmed, w.To == "", !strings.EqualFold(method, "INVITE"),
		to.Scheme != "sip" && to.Scheme != "sips" && to.Scheme != "tel", strings.ContainsAny(w.Replaces, "\r\n"):
		return w, refuse(603, "Decline")
	case d.referred.pending():
		return w, refuse(sip.StatusRequestPending, "Request Pending")
	}
	return w, nil
}

// progress adds a status to be told. Nothing follows a final one.
func (f *referred) progress(status int) {
	if f.closed || len(f.news) >= untold && status < 200 {
		return
	}
	f.news = append(f.news, status)
	f.closed = status >= 200
	f.tell(f.dialog.creds)
}

// tell sends the next NOTIFY, unless one is on its way. creds answer its challenge, nil when they have.
func (f *referred) tell(creds *credentials) {
	if f.busy || len(f.news) == 0 {
		return
	}
	f.busy = true
	d, status := f.dialog, f.news[0]
	req := d.peer.request(sip.NOTIFY, d.door.stack.agent)
	state := "active;expires=" + strconv.Itoa(int(d.door.cfg.Timers.Refer/time.Second))
	if status >= 200 {
		state = "terminated;reason=noresource"
	}
	req.AppendHeader(sip.NewHeader("Event", "refer;id="+strconv.Itoa(int(f.id))))
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	req.AppendHeader(&sip.ContactHeader{Address: d.peer.contact})
	req.AppendHeader(sip.NewHeader("Content-Type", sipfrag+";version=2.0"))
	req.SetBody([]byte("SIP/2.0 " + strconv.Itoa(status) + " " + phrase(status) + "\r\n"))
	if d.creds != nil {
		d.creds.sign(req)
	}
	d.transact(req, func(res *sip.Response, err error) { f.told(res, err, creds) })
}

// told takes the answer to a NOTIFY. Who refuses one wants no more (RFC 6665 §4.2.2).
func (f *referred) told(res *sip.Response, err error, creds *credentials) {
	f.busy = false
	switch {
	case err == nil && challenged(res) && creds != nil && creds.take(res):
		f.tell(nil)
		return
	case err == nil && res.IsSuccess():
		f.news = f.news[1:]
	default:
		f.news, f.closed = nil, true
	}
	if f.closed && len(f.news) == 0 {
		f.end()
		return
	}
	f.tell(f.dialog.creds)
}

func (f *referred) end() {
	f.ended = true
	for _, t := range f.timers {
		t.Stop()
	}
	f.dialog.depart()
}

// phrase is the reason phrase of the statuses that NOTIFYs carry.
func phrase(status int) string {
	switch status {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 200:
		return "OK"
	case 403:
		return "Forbidden"
	case 408:
		return "Request Timeout"
	case 480:
		return "Temporarily Unavailable"
	case 486:
		return "Busy Here"
	case 503:
		return "Service Unavailable"
	case 603:
		return "Decline"
	}
	return "Unknown"
}
