package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// diaryURL stands in a business's file for the address of the diary.
const diaryURL = "demo:/"

// diary is the business's booking system: a small HTTP server beside Parley, which takes visits and gives each a reference.
type diary struct {
	url    string
	server *http.Server
	ended  chan struct{}

	mu    sync.Mutex
	taken []visit
	wrong []string
}

// visit is what an action sent.
type visit struct {
	fields    map[string]any
	reference string
}

func openDiary() (*diary, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &diary{url: "http://" + l.Addr().String() + "/", ended: make(chan struct{})}
	d.server = &http.Server{Handler: d, ReadTimeout: 5 * time.Second}
	go func() { defer close(d.ended); _ = d.server.Serve(l) }() // until close
	return d, nil
}

func (d *diary) close() {
	_ = d.server.Close()
	<-d.ended
}

// ServeHTTP implements http.Handler.
func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := visit{reference: fmt.Sprint(417 + len(d.taken))}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil {
		err = json.Unmarshal(body, &v.fields)
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Idempotency-Key") == "" {
		d.wrong = append(d.wrong, fmt.Sprintf("%s %s: %s (%v)", r.Method, r.URL, body, err))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.taken = append(d.taken, v)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{ // who does not wait for it does not get it
		"reference": v.reference, "message": "Your reference is " + strings.Join(strings.Split(v.reference, ""), " ") + ".",
	})
}

// faults lists what is wrong with the visits that arrived after so many calls.
func (d *diary) faults(want map[string]string, calls int) (faults []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.wrong {
		faults = append(faults, "the diary was asked for something that is no visit: "+w)
	}
	if len(want) > 0 && len(d.taken) != calls {
		faults = append(faults, fmt.Sprintf("%d bookings arrived in %d calls", len(d.taken), calls))
	}
	for _, v := range d.taken {
		for field, value := range want {
			if got := fmt.Sprint(v.fields[field]); got != meant(value) {
				faults = append(faults, fmt.Sprintf("the booking's %s is %s, not %s", field, got, meant(value)))
			}
		}
	}
	return faults
}

// meant is a value as it must arrive: a weekday is its next date.
func meant(value string) string {
	for day, n := time.Now(), 0; n < 7; day, n = day.AddDate(0, 0, 1), n+1 {
		if strings.EqualFold(day.Weekday().String(), value) {
			return day.Format(time.DateOnly)
		}
	}
	return value
}

// summarize prints what was sent and what came back.
func (d *diary) summarize(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.taken {
		sent, _ := json.Marshal(v.fields) // came as JSON
		fmt.Fprintf(w, "Booked by the agent's action: %s was sent, and the reference %s came back\n", sent, v.reference)
	}
}

// newest is the reference that was given last; empty for none.
func (d *diary) newest() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.taken) == 0 {
		return ""
	}
	return d.taken[len(d.taken)-1].reference
}

// spoken are the numbers of a booking as the agent may say them.
func (d *diary) spoken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, v := range d.taken {
		all = append(all, v.reference)
		for _, f := range v.fields {
			text := fmt.Sprint(f)
			if day, err := time.Parse(time.DateOnly, text); err == nil {
				text = day.Format("January 2")
			}
			all = append(all, text)
		}
	}
	return all
}
