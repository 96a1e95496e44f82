package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// radicale runs a calendar server with a calendar of ann's and returns its URL.
func radicale(t *testing.T) (at string) {
	t.Helper()
	Need(t, "radicale")
	dir := t.TempDir()
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte("ann:hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.Command("radicale", "--config", os.DevNull, "--server-hosts", address, "--auth-type", "htpasswd", "--auth-htpasswd-filename", users,
		"--auth-htpasswd-encryption", "plain", "--storage-filesystem-folder", filepath.Join(dir, "storage"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("radicale:\n%s", &log)
		}
	})
	at = "http://" + address + "/ann/calendar/"
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if status, _, err := dav("MKCALENDAR", at, ""); err == nil && status == http.StatusCreated {
			return at
		} else if time.Now().After(end) {
			t.Fatalf("radicale: %d, %v", status, err)
		}
	}
}

// dav sends a request as ann.
func dav(method, url, body string) (status int, answer string, err error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.SetBasicAuth("ann", "hunter2")
	r.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// nextMonday is one that no notice forbids.
func nextMonday() time.Time {
	day := time.Now().UTC().AddDate(0, 0, 2)
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// TestTheOfflineMindBooksInACalendar: what lies in the calendar, and repeats, is in the way of an appointment; the next one is not.
func TestTheOfflineMindBooksInACalendar(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	at, monday := radicale(t), nextMonday()
	status, answer, err := dav("PUT", at+"weekly.ics", fmt.Sprintf("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:weekly\r\n"+
		"DTSTAMP:20260101T000000Z\r\nDTSTART:%sT100000Z\r\nDTEND:%sT110000Z\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Staff\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		monday.AddDate(0, 0, -70).Format("20060102"), monday.AddDate(0, 0, -70).Format("20060102")))
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, answer, err)
	}
	s := Start(t, Env("PARLEY_EGRESS_ALLOW=127.0.0.0/8"))
	agent := s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	s.Must("POST", "/api/v1/agents/"+agent+"/actions", JSON{
		"node_id": "book", "name": "Book appointment", "description": "Books an appointment.", "type": "webhook", "integration": JSON{"id": "caldav"},
		"config": JSON{"calendar_url": at, "username": "ann", "password": "hunter2", "time_zone": "UTC"},
	})
	said := s.chat(agent, "I would like to book an appointment.", "On "+monday.Format("January 2")+".", "At 10 am.", "My name is Ann Smith.", "Yes.",
		"I would like to book an appointment.", "On "+monday.Format("January 2")+".", "At 11 am.", "My name is Ann Smith.", "Yes.")
	if !strings.Contains(said, "That time is taken. The next free times: Monday, "+monday.Format("January 2")+", at 11 am, 11:30 am and 12 pm") ||
		!strings.Contains(said, "Booked for Monday, "+monday.Format("January 2")+", at 11 am.") {
		t.Error(said)
	}
	_, kept, err := dav("GET", at, "")
	if err != nil || !strings.Contains(kept, "SUMMARY:Ann Smith") || !strings.Contains(kept, "DTSTART:"+monday.Format("20060102")+"T110000Z") {
		t.Errorf("kept %s, %v", kept, err)
	}
}

// chat talks to an agent in the terminal.
func (s *Server) chat(agent string, lines ...string) string {
	s.t.Helper()
	cmd := exec.Command(Binary(s.t), "chat", "--data", s.Data, "--agent", agent)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("parley chat: %v\n%s", err, &errs)
	}
	return string(out)
}
