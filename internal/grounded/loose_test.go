package grounded

import (
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
)

func shop() *knowledge {
	return understand(llm.Brief{
		AgentName: "Desk", Description: "You answer for a boat yard. Open Mon-Fri 9am-5pm.", Now: "2026-11-24T10:00:00Z",
		Trainings: []llm.Training{
			{Subject: "Prices", Instructions: "Canoe 20, double canoe 35. Paddles are included."},
			{Subject: "Rules", Instructions: "Motorcycles are not allowed on the pier. Let us know a day before if you can't make it."},
			{Subject: "Help", Instructions: "Anyone who wants a quote: get their name and number, Ann calls back."},
		},
	})
}

func TestOnlyWhatAQuestionNamesIsRefused(t *testing.T) {
	k := shop()
	for said, want := range map[string]string{
		"what would a canoe set me back":    "Canoe 20", // no currency in the list
		"do you charge for paddles":         "Paddles are included",
		"may I bring my motorbike":          "Motorcycles are not allowed",
		"what if I have to call it off":     "Let us know a day before",
		"how much is a dou ble canoe":       "double canoe 35", // heard apart
		"what time do you guys shut on fri": "9am-5pm",
		"how much is a kayak":               "",
		"do you have a sauna":               "",
		"is my canoe ready yet":             "",
	} {
		s := &state{values: map[string]value{}}
		var told []string
		for _, q := range k.step(s, said).questions {
			for _, f := range k.search(q, nil, nil).facts {
				told = append(told, f.text)
			}
		}
		if got := strings.Join(told, " "); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q is answered %q, want %q", said, got, want)
		}
	}
}

func TestAnOrderStandsBehindThoseWhomItIsAbout(t *testing.T) {
	s := &state{values: map[string]value{}}
	shop().step(s, "we need a quote for ten boats")
	if s.form == nil || len(s.form.slots) != 2 || s.form.closing != "Ann calls back." {
		t.Errorf("a quote begins %+v", s.form)
	}
}

func TestAValueDeniedBesideTheNewOneIsNotTaken(t *testing.T) {
	s := &state{form: &form{slots: []*slot{newSlot("phone", "phone", "")}}, values: map[string]value{"phone": {canon: "5551234"}, "name": {canon: "Brian Daly"}}}
	for said, want := range map[string]string{
		"no not tomorrow, thursday": "no thursday", "not brian ryan": "ryan", "not really": "not really", "oh wait not friday saturday": "oh wait saturday",
	} {
		if got := strings.Join(s.withoutDenied(hear(said)).plain, " "); got != want {
			t.Errorf("%q is taken for %q, want %q", said, got, want)
		}
	}
	if s.correctEnd(hear("no it ends in nine nine")); s.values["phone"].canon != "5551299" {
		t.Errorf("the number is %s", s.values["phone"].canon)
	}
}
