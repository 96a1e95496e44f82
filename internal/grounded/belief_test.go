package grounded

import (
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
)

// pointed is a shop whose facts have vectors by hand: each lies in a direction of its own.
func pointed() *knowledge {
	k := understand(llm.Brief{AgentName: "Desk", Trainings: []llm.Training{
		{Subject: "Boots", Instructions: "Rental boots cost 12 dollars a day."},
		{Subject: "House", Instructions: "Cameras record around the clock. The doors are never locked."},
	}})
	k.likeness = 1
	for i, f := range k.facts {
		f.vector = make([]float32, len(k.facts))
		f.vector[i] = 1
	}
	return k
}

func TestWhatMayAnswerIsToldWithACaveat(t *testing.T) {
	k := pointed()
	for _, c := range []struct {
		said   string
		like   []float32 // how alike each fact is
		want   string
		unsure bool
	}{
		{"how much are rental boots", []float32{1, 0, 0}, "12 dollars", false},
		{"is somebody watching my stuff at night", []float32{0, 4, 0}, "Cameras", true},
		{"do you sell rental boots", []float32{2, 0, 0}, "12 dollars", true}, // renting is not selling
		{"is there a sauna", []float32{0.1, 0, 0.1}, "", false},
	} {
		qs := questions(hear(c.said))
		f := k.weighed(qs[0], nil, c.like, k.search(qs[0], nil, c.like))
		if got := strings.Join(spoken(f.facts), " "); !strings.Contains(got, c.want) || c.want == "" && got != "" || f.unsure != c.unsure {
			t.Errorf("%q is answered %q, unsure %v; want %q, unsure %v", c.said, got, f.unsure, c.want, c.unsure)
		}
	}
}

func TestAQuestionInATextIsTheHeadingOfItsAnswer(t *testing.T) {
	got := passages("Do you damage the door? Usually not. Do you open safes? No.\nWhat is the fee?\nYes, there is one of 5 dollars.")
	want := []passage{
		{"Usually not.", "Do you damage the door?", true},
		{"No.", "Do you open safes?", true},
		{"There is one of 5 dollars.", "What is the fee?", true},
	}
	if len(got) != len(want) {
		t.Fatalf("passages are %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("passage %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestNoCallerHearsTheNameOfATool(t *testing.T) {
	k := &knowledge{tools: []string{"book_tour"}}
	for text, want := range map[string]string{
		"Tours are on Tuesdays at nine, you can book one with book_tour.": "Tours are on Tuesdays at nine.",
		"To make an appointment use book_tour.":                           "",
		"Bookings are done by you, with book_tour.":                       "",
		"Bring a towel, please.":                                          "Bring a towel, please.",
	} {
		if got := k.withoutTools(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsTakenDownIsReadFromShorthand(t *testing.T) {
	k := understand(llm.Brief{
		AgentName:   "Desk",
		Description: "If the caller has trouble with the gate: get name + phone number, the site manager (Gus) calls back.",
	})
	if len(k.forms) != 1 || len(k.forms[0].slots) != 2 || k.forms[0].closing != "The site manager (Gus) calls back." {
		t.Errorf("the forms are %+v", k.forms)
	}
}
