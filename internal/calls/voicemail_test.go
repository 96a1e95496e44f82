package calls

import (
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func TestMachineGreeting(t *testing.T) {
	for _, c := range []struct {
		name, text string
		takes      time.Duration
		want       bool
	}{
		{"a machine in English", "Hi, you have reached Bob. Please leave a message after the tone.", 4 * time.Second, true},
		{"a network's machine", "The person you are calling is not available. Please record your message.", 5 * time.Second, true},
		{"in Portuguese", "Sua chamada está sendo encaminhada para a caixa postal.", 4 * time.Second, true},
		{"in Spanish", "Ha llamado a Ana. Deje su mensaje después del tono.", 4 * time.Second, true},
		{"in German", "Bitte hinterlassen Sie uns eine Nachricht.", 3 * time.Second, true},
		{"a person", "Hello?", 500 * time.Millisecond, false},
		{"a person who explains at length", "Good afternoon, Miller's bakery, Susan speaking, how may I help you today?", 5 * time.Second, false},
		{"a person who offers to take a message", "She is out, can I take a message for her?", 3 * time.Second, false},
		{"a word alone", "Voicemail?", time.Second, false},
		{"words faster than anybody speaks", "please leave a message after the tone", 200 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			if got := machineGreeting(parley.Turn{Text: c.text, StartedAt: now, EndedAt: now.Add(c.takes)}); got != c.want {
				t.Errorf("%q: %v", c.text, got)
			}
		})
	}
}
