package envelope

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// InsertDeliveries seals the bodies. Their webhooks are held by this transaction, so their agent lives; one that had no call yet gets its
// key here.
func (t *tx) InsertDeliveries(ctx context.Context, ds []*parley.Delivery) error {
	sealed := make([]*parley.Delivery, len(ds))
	for i, d := range ds {
		if err := t.s.keys.Make(d.AgentID); err != nil {
			return err
		}
		a, err := t.s.keys.of(d.AgentID)
		if err != nil {
			return err
		}
		row := *d
		row.Body = []byte(sealText(a, string(d.Body), deliveryPlace(d.ID)))
		sealed[i] = &row
	}
	return t.Tx.InsertDeliveries(ctx, sealed)
}

func deliveryPlace(id string) string { return "delivery:" + id }

// openDelivery opens the body. Nothing must be sent in its place, so that a key that is gone is an error.
func (t *tx) openDelivery(d *parley.Delivery) error {
	a, err := t.keyOf(d.AgentID)
	if err != nil {
		return err
	}
	body, err := openText(a, string(d.Body), deliveryPlace(d.ID))
	if err == nil && body == "" {
		err = ErrNoKey
	}
	if err != nil {
		return fmt.Errorf("body of delivery %s: %w", d.ID, err)
	}
	d.Body = []byte(body)
	return nil
}

// PendingDeliveries opens the bodies.
func (t *tx) PendingDeliveries(ctx context.Context, ticket string, limit int) ([]*parley.Delivery, error) {
	ds, err := t.Tx.PendingDeliveries(ctx, ticket, limit)
	for _, d := range ds {
		err = errors.Join(err, t.openDelivery(d))
	}
	return ds, err
}

// Delivery opens the body.
func (t *tx) Delivery(ctx context.Context, id string) (*parley.Delivery, error) {
	d, err := t.Tx.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	return d, t.openDelivery(d)
}

func logPlace(l *parley.DeliveryLog, part string) string { return "log:" + l.ID + ":" + part }

// PutDeliveryLog seals what the receiver said.
func (t *tx) PutDeliveryLog(ctx context.Context, l *parley.DeliveryLog) error {
	sealed := *l
	a, err := t.keyOf(l.AgentID)
	switch {
	case err != nil:
		return err
	case a == nil:
		sealed.Response, sealed.ResponseHeaders, sealed.Error = "", nil, ""
	default:
		if l.Response != "" {
			sealed.Response = sealText(a, l.Response, logPlace(l, "response"))
		}
		if l.Error != "" {
			sealed.Error = sealText(a, l.Error, logPlace(l, "error"))
		}
		sealed.ResponseHeaders = maps.Clone(l.ResponseHeaders)
		for name, value := range l.ResponseHeaders {
			sealed.ResponseHeaders[name] = sealText(a, value, logPlace(l, "header:"+name))
		}
	}
	return t.Tx.PutDeliveryLog(ctx, &sealed)
}

// openLog opens what was sent and what the receiver said; what no key opens any more is empty.
func (t *tx) openLog(l *parley.DeliveryLog) error {
	a, err := t.keyOf(l.AgentID)
	if err != nil {
		return err
	}
	var faults [3]error
	l.Response, faults[0] = openText(a, l.Response, logPlace(l, "response"))
	l.Error, faults[1] = openText(a, l.Error, logPlace(l, "error"))
	if l.Request != nil {
		var body string
		if body, faults[2] = openText(a, string(l.Request), deliveryPlace(l.DeliveryID)); body != "" {
			l.Request = []byte(body)
		} else {
			l.Request = nil
		}
	}
	err = errors.Join(faults[:]...)
	for name, value := range l.ResponseHeaders {
		plain, fault := openText(a, value, logPlace(l, "header:"+name))
		l.ResponseHeaders[name], err = plain, errors.Join(err, fault)
	}
	return err
}

// DeliveryLogs opens what is sealed of them, and so do the other reads.
func (t *tx) DeliveryLogs(ctx context.Context, webhookID string, p store.Page) ([]*parley.DeliveryLog, int, error) {
	logs, total, err := t.Tx.DeliveryLogs(ctx, webhookID, p)
	for _, l := range logs {
		err = errors.Join(err, t.openLog(l))
	}
	return logs, total, err
}

// DeliveryLog likewise.
func (t *tx) DeliveryLog(ctx context.Context, webhookID, id string) (*parley.DeliveryLog, error) {
	return t.openedLog(t.Tx.DeliveryLog(ctx, webhookID, id))
}

// LastDeliveryLog likewise.
func (t *tx) LastDeliveryLog(ctx context.Context, deliveryID string) (*parley.DeliveryLog, error) {
	return t.openedLog(t.Tx.LastDeliveryLog(ctx, deliveryID))
}

func (t *tx) openedLog(l *parley.DeliveryLog, err error) (*parley.DeliveryLog, error) {
	if err != nil {
		return nil, err
	}
	return l, t.openLog(l)
}
