package calls

import "testing"

func TestSpelled(t *testing.T) {
	for name, want := range map[string]string{
		"Front Desk": "front-desk", "Dr. Müller's desk": "dr-muller-s-desk", "  Élodie—nuit ": "elodie-nuit", "front-desk": "front-desk",
		"24h Support": "24h-support", "!?": "", "": "", "受付": "受付",
	} {
		if got := spelled(name); got != want {
			t.Errorf("%q is spelled %q, want %q", name, got, want)
		}
	}
}
