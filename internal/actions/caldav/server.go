package caldav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/emersion/go-ical"
	"github.com/emersion/go-webdav/caldav"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// server is the calendar of an order.
type server struct {
	base    *url.URL // of the collection, with a slash at its end
	client  doer
	queries *caldav.Client
}

// doer sends requests with what lets us in.
type doer struct {
	client         *http.Client
	name, password string
	headers        []parley.Header
}

// Do implements webdav.HTTPClient.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	for _, h := range d.headers {
		r.Header.Add(h.Key, h.Value)
	}
	if d.name != "" {
		r.SetBasicAuth(d.name, d.password)
	}
	return d.client.Do(r)
}

func connect(client *http.Client, o *actions.Order) (*server, error) {
	base, err := url.Parse(o.Config.Text("calendar_url"))
	if err != nil {
		return nil, errConfig
	}
	base = base.JoinPath("/")
	d := doer{client, o.Config.Text("username"), o.Config.Text("password"), o.Headers}
	queries, err := caldav.NewClient(d, base.String())
	if err != nil {
		return nil, errConfig
	}
	return &server{base, d, queries}, nil
}

// busy asks for the spans of events between two times (RFC 4791 §7.8).
func (s *server) busy(ctx context.Context, zone *time.Location, from, to time.Time) (all []span, err error) {
	defer readable(&err)
	objects, err := s.queries.QueryCalendar(ctx, s.base.Path, &caldav.CalendarQuery{
		CompRequest: caldav.CalendarCompRequest{Name: ical.CompCalendar, AllProps: true, AllComps: true},
		CompFilter: caldav.CompFilter{
			Name: ical.CompCalendar, Comps: []caldav.CompFilter{{Name: ical.CompEvent, Start: from.UTC(), End: to.UTC()}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("caldav: query: %w", err)
	}
	r := &reader{zone: zone, from: from, to: to, left: mostRepeats}
	for i := range objects {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		found, err := r.spans(objects[i].Data)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// readable makes a fault of a panic, with which the libraries answer some broken calendars and rules.
func readable(err *error) {
	if recover() != nil {
		*err = errUnreadable
	}
}

// leaveWithin bounds taking back what may have been written.
const leaveWithin = 2 * time.Second

// put writes an event where nothing lies. One that lies there already was written by the same running before. When nobody knows whether it
// was written, it is taken back.
func (s *server) put(ctx context.Context, uid string, cal *ical.Calendar) error {
	var body bytes.Buffer
	if err := ical.NewEncoder(&body).Encode(cal); err != nil {
		return fmt.Errorf("caldav: %w", err)
	}
	status, err := s.send(ctx, http.MethodPut, uid, body.Bytes())
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
		defer cancel()
		return errors.Join(err, s.remove(ctx, uid))
	}
	if status/100 != 2 && status != http.StatusPreconditionFailed {
		return fmt.Errorf("caldav: writing: status %d", status)
	}
	return nil
}

// remove takes an event back; one that is not there is no fault.
func (s *server) remove(ctx context.Context, uid string) error {
	status, err := s.send(ctx, http.MethodDelete, uid, nil)
	if err == nil && status/100 != 2 && status != http.StatusNotFound {
		err = fmt.Errorf("caldav: removing: status %d", status)
	}
	return err
}

func (s *server) send(ctx context.Context, method, uid string, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath(url.PathEscape(uid)+".ics").String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if method == http.MethodPut {
		r.Header.Set("Content-Type", ical.MIMEType+"; charset=utf-8")
		r.Header.Set("If-None-Match", "*")
	}
	res, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// turns lets bookings of the same calendar happen one after the other.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn is over
}

func (t *turns) take(ctx context.Context, key string) (leave func(), err error) {
	for {
		t.mu.Lock()
		over, busy := t.taken[key]
		if !busy {
			mine := make(chan struct{})
			t.taken[key] = mine
			t.mu.Unlock()
			return func() { t.mu.Lock(); delete(t.taken, key); t.mu.Unlock(); close(mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
