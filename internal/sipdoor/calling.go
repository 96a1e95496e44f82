package sipdoor

import (
	"sync"

	"github.com/emiago/sipgo/sip"
)

// calling brings responses to the INVITE of ours that they answer, by its branch, in the order of their arrival.
type calling struct {
	mu    sync.RWMutex
	by    map[string]*dialing
	later map[string]func(*sip.Response) // of INVITEs within calls
}

func (c *calling) expect(branch string, of *dialing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[branch] = of
}

func (c *calling) expectWith(branch string, then func(*sip.Response)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.later[branch] = then
}

func (c *calling) forget(branches []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range branches {
		delete(c.by, b)
		delete(c.later, b)
	}
}

// sent says whether an INVITE of ours has this branch and this Request-URI.
func (c *calling) sent(branch string, uri *sip.Uri) bool {
	c.mu.RLock()
	of := c.by[branch]
	c.mu.RUnlock()
	return of != nil && of.uri == uri.Addr()
}

// deliver runs in the read loop. A dialog is entered here, before the request that may come right behind the response.
func (c *calling) deliver(branch string, res *sip.Response) {
	c.mu.RLock()
	of, then := c.by[branch], c.later[branch]
	c.mu.RUnlock()
	if then != nil {
		then(res)
		return
	}
	if of == nil || res.To() == nil {
		return
	}
	d := of.dialog
	if tag, ok := res.To().Params.Get("tag"); ok && res.StatusCode > 100 && res.StatusCode < 300 && of.entered.Add(1) < forks {
		d.door.dialogs.enter(key{of.callID, of.localTag, tag}, d)
	}
	d.box.receive(func() { of.received(branch, res) })
}
