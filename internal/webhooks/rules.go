package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

// mostPerAgent bounds the webhooks of an agent.
const mostPerAgent = 50

// errDisabled is why what was on its way to a disabled webhook is not sent.
const errDisabled = "Webhook disabled"

// NewWebhook is what a webhook begins with.
type NewWebhook struct {
	Name, URL      string
	Secret         *string // nil or empty does not sign
	Events         []parley.Event
	Timeout        time.Duration
	MaxRetries     int
	Enabled        bool
	Method, Scheme string
	Headers        []parley.Header
	Templates      json.RawMessage // an object, or nil
}

// Change changes parts of a webhook; nil and unsent fields stay.
type Change struct {
	Name, URL, Method, Scheme *string
	Secret                    parley.Given[string]
	Events                    *[]parley.Event
	Timeout                   *time.Duration
	MaxRetries                *int
	Enabled                   *bool
	Headers                   parley.Given[[]parley.Header]
	Templates                 parley.Given[json.RawMessage]
}

// View is a webhook with its headers in clear.
type View struct {
	*parley.Webhook
	Headers []parley.Header // nil for none
}

// List returns the webhooks of an agent, oldest first.
func (w *Webhooks) List(ctx context.Context, actor parley.Actor, agentID string) (views []View, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	err = w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		rows, err := tx.WebhooksOf(ctx, agentID)
		for _, row := range rows {
			v, err := w.view(row)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		return err
	})
	return views, err
}

// Get returns one webhook.
func (w *Webhooks) Get(ctx context.Context, actor parley.Actor, agentID, id string) (v View, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return View{}, err
	}
	err = w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := find(ctx, tx, actor, agentID, id)
		if err == nil {
			v, err = w.view(row)
		}
		return err
	})
	return v, err
}

// find reads a webhook through its agent.
func find(ctx context.Context, tx store.Tx, actor parley.Actor, agentID, id string) (*parley.Webhook, error) {
	if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
		return nil, err
	}
	return tx.Webhook(ctx, agentID, id)
}

func (w *Webhooks) view(row *parley.Webhook) (View, error) {
	_, headers, err := w.unseal(row)
	return View{row, headers}, err
}

// Create makes a webhook. It hears what happens from now on.
func (w *Webhooks) Create(ctx context.Context, actor parley.Actor, agentID string, n NewWebhook, faults parley.Faults) (v View, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	now := parley.Stamp(time.Now())
	row := &parley.Webhook{
		ID: parley.NewID(), AgentID: agentID, EnvironmentID: actor.EnvironmentID, Name: n.Name, URL: n.URL, Events: unique(n.Events),
		Timeout: n.Timeout, MaxRetries: n.MaxRetries, Enabled: n.Enabled, Method: n.Method, Scheme: n.Scheme, Templates: n.Templates,
		CreatedAt: now, UpdatedAt: now,
	}
	w.check(row, n.Headers, &faults)
	err = w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		others, err := tx.WebhooksOf(ctx, agentID)
		if err != nil {
			return err
		}
		if len(others) >= mostPerAgent {
			faults.Add("name", fmt.Sprintf("An agent has at most %d webhooks.", mostPerAgent))
		}
		if err := faults.Err(); err != nil {
			return err
		}
		if err := w.sealSecret(row, n.Secret); err != nil {
			return err
		}
		if err := w.sealHeaders(row, n.Headers); err != nil {
			return err
		}
		return tx.InsertWebhook(ctx, row)
	})
	return View{row, n.Headers}, err
}

// Update changes parts of a webhook, at once. One that is disabled gets nothing of what was on its way.
func (w *Webhooks) Update(ctx context.Context, actor parley.Actor, agentID, id string, c Change, faults parley.Faults) (View, error) {
	return w.change(ctx, actor, agentID, id, func(row *parley.Webhook, headers []parley.Header) error {
		set(&row.Name, c.Name)
		set(&row.URL, c.URL)
		set(&row.Method, c.Method)
		set(&row.Scheme, c.Scheme)
		set(&row.Timeout, c.Timeout)
		set(&row.MaxRetries, c.MaxRetries)
		set(&row.Enabled, c.Enabled)
		if c.Events != nil {
			row.Events = unique(*c.Events)
		}
		if c.Templates.Sent {
			row.Templates = nil
			set(&row.Templates, c.Templates.Value)
		}
		if c.Headers.Sent {
			headers = nil
			set(&headers, c.Headers.Value)
		}
		w.check(row, headers, &faults)
		if err := faults.Err(); err != nil {
			return err
		}
		if c.Secret.Sent {
			if err := w.sealSecret(row, c.Secret.Value); err != nil {
				return err
			}
		}
		return w.sealHeaders(row, headers)
	})
}

// Toggle flips whether a webhook is enabled.
func (w *Webhooks) Toggle(ctx context.Context, actor parley.Actor, agentID, id string) (View, error) {
	return w.change(ctx, actor, agentID, id, func(row *parley.Webhook, _ []parley.Header) error {
		row.Enabled = !row.Enabled
		return nil
	})
}

func (w *Webhooks) change(ctx context.Context, actor parley.Actor, agentID, id string,
	fn func(row *parley.Webhook, headers []parley.Header) error,
) (v View, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	err = w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := find(ctx, tx, actor, agentID, id)
		if err != nil {
			return err
		}
		if v, err = w.view(row); err != nil {
			return err
		}
		if err := fn(row, v.Headers); err != nil {
			return err
		}
		row.UpdatedAt = parley.Stamp(time.Now())
		if err := tx.UpdateWebhook(ctx, row); err != nil {
			return err
		}
		if !row.Enabled {
			if err := tx.CancelDeliveries(ctx, id, errDisabled); err != nil {
				return err
			}
		}
		v, err = w.view(row)
		return err
	})
	return v, err
}

// Delete deletes a webhook; a job deletes what was delivered to it.
func (w *Webhooks) Delete(ctx context.Context, actor parley.Actor, agentID, id string) error {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return err
	}
	return w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := find(ctx, tx, actor, agentID, id); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, store.Job{Kind: jobs.DropDeliveries, Subject: id}); err != nil {
			return err
		}
		return tx.DeleteWebhook(ctx, agentID, id)
	})
}

// check adds what only this room can see to the faults of a form.
func (w *Webhooks) check(row *parley.Webhook, headers []parley.Header, faults *parley.Faults) {
	if _, known := (*faults)["webhook_url"]; !known && row.URL != "" {
		if err := w.deps.CheckURL(row.URL); err != nil {
			faults.Add("webhook_url", fmt.Sprintf("The webhook url cannot be used: %s.", err))
		}
	}
	parley.CheckHeaders(headers, faults)
	var templates map[string]json.RawMessage
	if row.Templates != nil && json.Unmarshal(row.Templates, &templates) == nil {
		for event, t := range templates {
			if !strings.HasPrefix(string(t), "{") {
				faults.Add("payload_templates."+event, fmt.Sprintf("The payload templates.%s must be an object.", event))
			}
		}
	}
}

func unique(events []parley.Event) []parley.Event {
	out, seen := []parley.Event{}, map[parley.Event]bool{}
	for _, e := range events {
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}
