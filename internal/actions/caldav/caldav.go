// Package caldav books appointments in a calendar over CalDAV (RFC 4791): it tells which times are free in the working hours, and books one
// that is. A booking is written only where nothing lies (RFC 7232 §3.2), looked at once more, and taken back when somebody else was quicker.
// It opens no socket but by the client that it is given.
package caldav

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// Inputs that an action must have.
const (
	inputDay  = "day"
	inputTime = "time"
)

// toolFree is the tool that tells what is free; the action itself books.
const toolFree = "free"

const (
	// ahead is how many days are looked through for a free time.
	ahead = 7
	// mostTimes bounds how many free times the model is told of.
	mostTimes = 8
	// mostOthers bounds how many it is told of instead of one that is taken.
	mostOthers = 3
)

// CalDAV is the integration. Make it with New. It is safe for concurrent use.
type CalDAV struct {
	client *http.Client
	turns  turns
}

var (
	_ actions.Integration = (*CalDAV)(nil)
	_ actions.Expander    = (*CalDAV)(nil)
)

// New makes it over a client that guards where requests go and bounds what is answered.
func New(client *http.Client) *CalDAV {
	return &CalDAV{client: client, turns: turns{taken: map[string]chan struct{}{}}}
}

// Entry implements actions.Integration.
func (*CalDAV) Entry() parley.Integration {
	const inputs = "With the inputs of the action in it, such as {{name}}."
	return parley.Integration{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a03", Identifier: parley.IntegrationCalDAV, DisplayName: "Calendar", Category: "scheduling",
		Description: "Finds free times in a calendar over CalDAV and books appointments in it.",
		Settings: []parley.Setting{
			{Name: "calendar_url", Type: parley.SettingURL, Label: "URL of the calendar", Required: true, Description: "Of its collection."},
			{Name: "username", Type: parley.SettingText, Label: "User name"},
			{Name: "password", Type: parley.SettingText, Label: "Password", Secret: true},
			{Name: "time_zone", Type: parley.SettingZone, Label: "Time zone", Required: true, Description: "In which days and times are meant."},
			{Name: "duration", Type: parley.SettingInteger, Label: "Duration", Min: 5, Max: 480, Default: 30, Description: "Of an appointment, in minutes."},
			{Name: "opens", Type: parley.SettingClock, Label: "First appointment", Default: "09:00"},
			{Name: "closes", Type: parley.SettingClock, Label: "End of the last one", Default: "17:00"},
			{Name: "weekdays", Type: parley.SettingWeekdays, Label: "Days of the week", Default: []any{1, 2, 3, 4, 5}},
			{Name: "notice", Type: parley.SettingInteger, Label: "Notice", Max: 43200, Default: 60, Description: "Minutes that lie before an appointment at least."},
			{Name: "horizon", Type: parley.SettingInteger, Label: "Days ahead", Min: 1, Max: 366, Default: 60},
			{Name: "title", Type: parley.SettingLine, Label: "Title", Default: "{{name}}", Description: inputs},
			{Name: "notes", Type: parley.SettingTemplate, Label: "Notes", Description: inputs},
		},
		Inputs: []parley.ActionInput{
			{Name: inputDay, Type: "date", Required: true, Description: "The day, as YYYY-MM-DD."},
			{Name: inputTime, Type: "time", Required: true, Description: "The time, as HH:MM of 24 hours."},
			{Name: "name", Type: "text", Required: true, Description: "Who comes."},
		},
	}
}

// Check implements actions.Integration.
func (*CalDAV) Check(c parley.Config, faults *parley.Faults) {
	if (c.Text("username") != "") != (c.Text("password") != "") {
		faults.Add("config.password", "The config.password field is required with the user name, and only with it.")
	}
	if r, err := rulesOf(c); err != nil || r.closes-r.opens < r.lasts {
		faults.Add("config.closes", "The config.closes must leave time for an appointment after config.opens.")
	}
}

// Tools implements actions.Expander: the action, and what tells when it can be.
func (*CalDAV) Tools(_ context.Context, o *actions.Order) ([]parley.ActionTool, error) {
	free := *o.Action
	free.Tool, free.Name, free.SpeakOnSend, free.SpeakOnReceive = toolFree, "Free times: "+o.Action.Name, nil, nil
	free.Description = "Tells which times are still free for this: " + o.Action.Description
	free.Inputs = []parley.ActionInput{{Name: inputDay, Type: "text", Description: "The day, as YYYY-MM-DD; without it, the next free times."}}
	return []parley.ActionTool{{Action: *o.Action}, {Action: free}}, nil
}

// Forget implements actions.Expander: nothing is remembered.
func (*CalDAV) Forget() int { return 0 }

// Run implements actions.Integration.
func (c *CalDAV) Run(ctx context.Context, o *actions.Order) ([]byte, error) {
	r, err := rulesOf(o.Config)
	if err != nil {
		return nil, err
	}
	at, err := connect(c.client, o)
	if err != nil {
		return nil, err
	}
	if o.Action.Tool == toolFree {
		return lookup(ctx, at, r, o)
	}
	leave, err := c.turns.take(ctx, at.base.String())
	if err != nil {
		return nil, err
	}
	defer leave()
	return book(ctx, at, r, o)
}

// lookup tells what is free on a day, or soon.
func lookup(ctx context.Context, at *server, r *rules, o *actions.Order) ([]byte, error) {
	now, days := time.Now(), 1
	from := now
	if text := given(o, inputDay); text == "" {
		days = ahead
	} else if day, ok := r.day(text); ok {
		from = day
	} else {
		return nil, &actions.Refusal{Message: "That is no day. Give it as YYYY-MM-DD."}
	}
	free, err := freeFrom(ctx, at, r, now, from, days, mostTimes)
	if err != nil {
		return nil, err
	}
	if len(free) > 0 {
		return r.offers("Free: ", free)
	}
	others, err := freeFrom(ctx, at, r, now, from.AddDate(0, 0, days), ahead, mostOthers)
	if err != nil {
		return nil, err
	}
	return nil, r.refusal("Nothing is free then.", others)
}

// freeFrom are free times of some days.
func freeFrom(ctx context.Context, at *server, r *rules, now, from time.Time, days, most int) ([]time.Time, error) {
	begin := r.midnight(from)
	busy, err := at.busy(ctx, r.zone, begin, begin.AddDate(0, 0, days))
	if err != nil {
		return nil, err
	}
	return r.free(now, begin, days, busy, most), nil
}

// book books a time, unless the rules or the calendar are against it.
func book(ctx context.Context, at *server, r *rules, o *actions.Order) ([]byte, error) {
	day, ok := r.day(given(o, inputDay))
	if !ok {
		return nil, &actions.Refusal{Message: "That is no day. Give it as YYYY-MM-DD."}
	}
	start, ok := r.at(day, given(o, inputTime))
	if !ok {
		return nil, &actions.Refusal{Message: "That is no time of that day. Give it as HH:MM."}
	}
	slot, now := span{start: start, end: start.Add(r.lasts)}, time.Now()
	busy, err := at.busy(ctx, r.zone, r.midnight(start), r.midnight(start).AddDate(0, 0, ahead))
	if err != nil {
		return nil, err
	}
	mine := uidOf(o.Run)
	if booked(busy, slot, mine) { // an answer that was lost
		return r.booked(slot)
	}
	why := r.against(now, start)
	if why == "" && taken(busy, slot, mine) {
		why = "That time is taken."
	}
	if why != "" {
		return nil, r.refusal(why, r.free(now, start, ahead, busy, mostOthers))
	}
	if err := at.put(ctx, mine, event(o, slot, mine)); err != nil {
		return nil, err
	}
	busy, err = at.busy(ctx, r.zone, slot.start, slot.end)
	if err == nil && taken(busy, slot, mine) {
		if err := at.remove(ctx, mine); err != nil {
			return nil, err
		}
		return nil, &actions.Refusal{Message: "That time was taken a moment ago. Nothing is booked; look for another one."}
	}
	return r.booked(slot) // when it cannot be looked at once more, it was free a moment ago
}

// given is an argument as people write it.
func given(o *actions.Order, name string) string {
	return strings.TrimSpace(parley.Written(o.Arguments[name]))
}

// errConfig says that settings that were checked are not to be read.
var errConfig = errors.New("caldav: settings cannot be read")
