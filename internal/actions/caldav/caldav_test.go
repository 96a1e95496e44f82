package caldav

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/actions/actionstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is a calendar server that keeps what it is given.
type diary struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]string               // by path
	onPut   func(d *diary, r *http.Request) // unless nil, happens before an object is kept
}

func open(t *testing.T) *diary {
	t.Helper()
	d := &diary{objects: map[string]string{}}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// ServeHTTP implements http.Handler.
func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name, password, _ := r.BasicAuth(); name != "ann" || password != "hunter2" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	switch r.Method {
	case "REPORT":
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = io.WriteString(w, d.report())
	case http.MethodPut:
		if d.onPut != nil {
			d.onPut(d, r)
		}
		if _, there := d.objects[r.URL.Path]; there && r.Header.Get("If-None-Match") == "*" {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		b, _ := io.ReadAll(r.Body)
		d.objects[r.URL.Path] = string(b)
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		if _, there := d.objects[r.URL.Path]; !there {
			w.WriteHeader(http.StatusNotFound)
		}
		delete(d.objects, r.URL.Path)
	}
}

func (d *diary) report() string {
	var b strings.Builder
	b.WriteString(`<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">`)
	for _, path := range slices.Sorted(maps.Keys(d.objects)) {
		b.WriteString("<response><href>" + path + "</href><propstat><status>HTTP/1.1 200 OK</status><prop><c:calendar-data>")
		_ = xml.EscapeText(&b, []byte(d.objects[path]))
		b.WriteString("</c:calendar-data></prop></propstat></response>")
	}
	return b.String() + "</multistatus>"
}

// has counts what is in the calendar.
func (d *diary) has() int { d.mu.Lock(); defer d.mu.Unlock(); return len(d.objects) }

func (d *diary) config(change map[string]any) map[string]any {
	c := map[string]any{
		"calendar_url": d.URL + "/ann/calendar", "username": "ann", "password": "hunter2", "time_zone": "Europe/Berlin", "notes": "Call {{phone}}.",
		"weekdays": []any{1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0},
	}
	for k, v := range change {
		c[k] = v
	}
	return c
}

// dayAfter is the third day from now, which no notice forbids.
func dayAfter(t *testing.T) string {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return time.Now().In(berlin).AddDate(0, 0, 3).Format(time.DateOnly)
}

func wants(day, clock string) string {
	return fmt.Sprintf(`{"day":%q,"time":%q,"name":"Ann; Bob,\r\nX-EVIL:1","phone":"123"}`, day, clock)
}

func TestAnAppointmentIsBookedOnce(t *testing.T) {
	d, day := open(t), dayAfter(t)
	b := actionstest.New(New(http.DefaultClient))
	a := b.Action(t, d.config(nil))
	ask := func(run, clock string) (string, bool) {
		return b.Actions.Request(t.Context(), run, a, []byte(wants(day, clock)))
	}
	got, ok := ask("r1", "10:00")
	if !ok || !strings.Contains(got, `"message":"Booked for `) || !strings.Contains(got, `"start":"`+day+`T10:00:00+0`) {
		t.Fatalf("told %s; %s", got, b.Log)
	}
	kept := d.objects["/ann/calendar/parley-r1.ics"]
	if !strings.Contains(kept, `SUMMARY:Ann\; Bob\, X-EVIL:1`) || !strings.Contains(kept, "DESCRIPTION:Call 123.") || strings.Contains(kept, "\nX-EVIL") {
		t.Errorf("kept %v", d.objects)
	}
	if got, ok = ask("r1", "10:00"); !ok || d.has() != 1 {
		t.Errorf("the same running again: told %s, %d objects", got, d.has())
	}
	got, ok = ask("r2", "10:15")
	if ok || !strings.Contains(got, "That time is taken. The next free times: ") || !strings.Contains(got, day+"T10:30") || d.has() != 1 {
		t.Errorf("told %s", got)
	}
	if got, ok = ask("r3", "10:30"); !ok || d.has() != 2 {
		t.Errorf("told %s", got)
	}
}

func TestOfManyWhoWantATimeOneGetsIt(t *testing.T) {
	d, day := open(t), dayAfter(t)
	b := actionstest.New(New(http.DefaultClient))
	a := b.Action(t, d.config(nil))
	var all sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for n := range 8 {
		all.Go(func() {
			if _, ok := b.Actions.Request(t.Context(), fmt.Sprint("r", n), a, []byte(wants(day, "10:00"))); ok {
				mu.Lock()
				got++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	http.DefaultClient.CloseIdleConnections()
	if got != 1 || d.has() != 1 {
		t.Errorf("%d were told that they have it, %d do", got, d.has())
	}
}

func TestABookingGivesWayToOneThatWasQuicker(t *testing.T) {
	d, day := open(t), dayAfter(t)
	d.onPut = func(d *diary, _ *http.Request) {
		d.objects["/ann/calendar/other.ics"] = calendar("DTSTART;TZID=Europe/Berlin:" + strings.ReplaceAll(day, "-", "") + "T101500\nDURATION:PT1H")
	}
	got, ok := actionstest.New(New(http.DefaultClient)).Run(t, d.config(nil), wants(day, "10:00"))
	if ok || !strings.Contains(got, "taken a moment ago") || d.has() != 1 || d.objects["/ann/calendar/other.ics"] == "" {
		t.Errorf("told %s, kept %v", got, d.objects)
	}
}

func TestABookingThatMayBeWrittenOrNotIsTakenBack(t *testing.T) {
	d, day := open(t), dayAfter(t)
	d.onPut = func(d *diary, r *http.Request) {
		d.objects[r.URL.Path] = calendar()
		panic(http.ErrAbortHandler)
	}
	got, ok := actionstest.New(New(http.DefaultClient)).Run(t, d.config(nil), wants(day, "10:00"))
	if ok || !strings.Contains(got, "cannot be reached") || d.has() != 0 {
		t.Errorf("told %s, kept %v", got, d.objects)
	}
}

func TestFreeTimesAreTold(t *testing.T) {
	d, day := open(t), dayAfter(t)
	b := actionstest.New(New(http.DefaultClient))
	offers := b.Actions.Expand(t.Context(), b.Action(t, d.config(map[string]any{"duration": 240.0})))
	if len(offers) != 2 || offers[0].Tool != "" || offers[1].Name != "Free times: Act" || offers[1].Inputs[0].Exact() {
		t.Fatalf("offers %+v", offers)
	}
	free := func(arguments string) (string, bool) {
		return b.Actions.Request(t.Context(), "r", &offers[1].Action, []byte(arguments))
	}
	got, ok := free(`{"day":"` + day + `"}`)
	if !ok || !strings.Contains(got, `"free":["`+day+`T09:00","`+day+`T13:00"]`) || !strings.Contains(got, "at 9 am and 1 pm.") {
		t.Errorf("told %s; %s", got, b.Log)
	}
	if got, ok := free(`{}`); !ok || strings.Count(got, "T09:00") < 3 {
		t.Errorf("told %s", got)
	}
	d.objects["/ann/calendar/x.ics"] = calendar("DTSTART;VALUE=DATE:" + strings.ReplaceAll(day, "-", ""))
	if got, ok := free(`{"day":"` + day + `"}`); ok || !strings.Contains(got, "Nothing is free then. The next free times: ") {
		t.Errorf("told %s", got)
	}
	if got, ok := free(`{"day":"some day"}`); ok || !strings.Contains(got, "no day") {
		t.Errorf("told %s", got)
	}
}

func TestWhatCannotBeBooked(t *testing.T) {
	d, day := open(t), dayAfter(t)
	b := actionstest.New(New(http.DefaultClient))
	for _, c := range []struct{ rule, arguments, want string }{
		{"no day", `{"day":"soon","time":"10:00","name":"Ann"}`, "no day"},
		{"no time", `{"day":"` + day + `","time":"soon","name":"Ann"}`, "no time"},
		{"a time after hours", wants(day, "22:00"), "Appointments are between 9 am and 5 pm. The next free times"},
		{"the past", wants("2020-01-06", "10:00"), "has passed"},
	} {
		if got, ok := b.Run(t, d.config(nil), c.arguments); ok || !strings.Contains(got, c.want) || d.has() != 0 {
			t.Errorf("%s: told %s", c.rule, got)
		}
	}
	if got, ok := b.Run(t, d.config(map[string]any{"password": "wrong"}), wants(day, "10:00")); ok || !strings.Contains(got, "cannot be reached") {
		t.Errorf("told %s", got)
	}
}

func TestHostileServers(t *testing.T) {
	day := dayAfter(t)
	multi := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = io.WriteString(w, body)
		}
	}
	holds := func(data string) string {
		return `<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><response><href>/x</href><propstat><status>HTTP/1.1 200 OK</status>` +
			`<prop><c:calendar-data>` + data + `</c:calendar-data></prop></propstat></response></multistatus>`
	}
	for rule, answer := range map[string]http.HandlerFunc{
		"no XML":                           multi("hello"),
		"XML that ends too early":          multi("<multistatus xmlns=\"DAV:\"><response>"),
		"entities of its own":              multi(`<!DOCTYPE m [<!ENTITY b "ha">]><multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>`),
		"elements in one another":          multi(`<multistatus xmlns="DAV:">` + strings.Repeat("<a>", 20000)),
		"another status":                   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html/>") },
		"an error page":                    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusInternalServerError) },
		"no calendar":                      multi(holds("hello")),
		"a calendar in one another":        multi(holds(strings.Repeat("BEGIN:A\r\n", 20000))),
		"a line that its reader panics at": multi(holds("BEGIN:VCALENDAR\r\n;\r\nEND:VCALENDAR\r\n")),
		"an event without a start":         multi(holds(calendar("SUMMARY:x"))),
		"events that repeat for ever":      multi(holds(calendar("DTSTART:19000101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5,6;BYMINUTE=1,2,3,4,5,6"))),
	} {
		t.Run(rule, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			config := (&diary{Server: s}).config(nil)
			if got, ok := actionstest.New(New(client)).Run(t, config, wants(day, "10:00")); ok || !strings.Contains(got, "cannot be reached") {
				t.Errorf("told %s", got)
			}
		})
	}
}

func TestEntry(t *testing.T) {
	actionstest.Entry(t, New(http.DefaultClient))
	d := &diary{Server: &httptest.Server{URL: "https://example.com"}}
	b := actionstest.New(New(http.DefaultClient))
	if f := b.Faults(d.config(nil)); len(f) != 0 {
		t.Errorf("faults %v", f)
	}
	for field, change := range map[string]map[string]any{
		"config.password": {"password": ""}, "config.closes": {"closes": "09:15"}, "config.time_zone": {"time_zone": "Mars/Base"},
		"config.weekdays": {"weekdays": []any{0.0}}, "config.opens": {"opens": "25:00"},
	} {
		if f := b.Faults(d.config(change)); len(f[field]) == 0 {
			t.Errorf("%s: %v", field, f)
		}
	}
}
