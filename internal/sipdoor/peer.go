package sipdoor

import (
	"crypto/rand"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// peer is the far end of a dialog as requests to it need it (RFC 3261 §12).
type peer struct {
	callID              string
	local, remote       sip.Uri // addresses of From and To, seen from us
	localTag, remoteTag string
	contact             sip.Uri   // ours
	target              sip.Uri   // the peer's Contact
	routes              []sip.Uri // the way to it, first hop first
	seq                 uint32    // of our last request
	source              hop       // where it speaks from
	takesInfo           bool
}

// peerOfCaller makes the peer of a caller from its INVITE, whose To bears our tag (§12.1.1).
func peerOfCaller(m *sip.Request, contact sip.Uri) peer {
	p := peer{
		callID: m.CallID().Value(), local: *m.To().Address.Clone(), remote: *m.From().Address.Clone(),
		contact: contact, source: from(m), seq: firstSeq(),
	}
	p.localTag, _ = m.To().Params.Get("tag")
	p.remoteTag, _ = m.From().Params.Get("tag")
	p.retarget(m)
	p.routes = recorded(m)
	p.takesInfo = allows(m, sip.INFO)
	return p
}

// answeredBy makes the peer that answered our INVITE from its response (§12.1.2). Forks answer with tags of their own.
func (p peer) answeredBy(res *sip.Response) peer {
	p.remoteTag, _ = res.To().Params.Get("tag")
	p.source = from(res)
	p.takesInfo = allows(res, sip.INFO)
	p.retarget(res)
	p.routes = recorded(res)
	for i, j := 0, len(p.routes)-1; i < j; i, j = i+1, j-1 { // the caller reads the recorded way backwards
		p.routes[i], p.routes[j] = p.routes[j], p.routes[i]
	}
	return p
}

// firstSeq starts below 2^31, with room to count (§8.1.1.5).
func firstSeq() uint32 {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return 1 + uint32(b[0])<<8 + uint32(b[1])
}

type contacted interface{ Contact() *sip.ContactHeader }

// retarget takes the Contact of a message as the address of further requests.
func (p *peer) retarget(m contacted) {
	if c := m.Contact(); c != nil && !c.Address.Wildcard && c.Address.Host != "" {
		p.target = *c.Address.Clone()
	}
}

func recorded(m interface{ GetHeaders(string) []sip.Header }) []sip.Uri {
	var out []sip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		if r, ok := h.(*sip.RecordRouteHeader); ok {
			out = append(out, *r.Address.Clone())
		}
	}
	return out
}

// next is where a request goes first.
func (p *peer) next() sip.Uri {
	if len(p.routes) > 0 {
		return p.routes[0]
	}
	return p.target
}

// request makes a request in the dialog (§12.2.1.1), with the next CSeq. It lacks its Via.
func (p *peer) request(method sip.RequestMethod, agent string) *sip.Request {
	p.seq++
	return p.numbered(method, p.seq, agent)
}

func (p *peer) numbered(method sip.RequestMethod, seq uint32, agent string) *sip.Request {
	uri, routes := *p.target.Clone(), p.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // a strict router wants itself in the first line
		uri, routes = *routes[0].Clone(), append(append([]sip.Uri{}, routes[1:]...), uri)
	}
	uri.Headers = nil
	req := sip.NewRequest(method, uri)
	for _, r := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *r.Clone()})
	}
	from, to := sip.FromHeader{Address: p.local, Params: tagged(p.localTag)}, sip.ToHeader{Address: p.remote, Params: tagged(p.remoteTag)}
	callID, hops := sip.CallIDHeader(p.callID), sip.MaxForwardsHeader(media.Hops)
	for _, h := range []sip.Header{&hops, &from, &to, &callID, &sip.CSeqHeader{SeqNo: seq, MethodName: method}} {
		req.AppendHeader(h)
	}
	if method == sip.INVITE {
		req.AppendHeader(&sip.ContactHeader{Address: p.contact})
		req.AppendHeader(sip.NewHeader("Allow", allowed))
	}
	req.AppendHeader(sip.NewHeader("User-Agent", agent))
	req.SetBody(nil) // writes the Content-Length that connections need
	return req
}

func tagged(tag string) sip.HeaderParams {
	if tag == "" {
		return nil
	}
	return sip.HeaderParams{{K: "tag", V: tag}}
}
