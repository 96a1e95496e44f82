package grounded

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/parley-voice/parley/internal/llm"
)

// TestNoOrderOfATemplateIsSaidToCallers reads the templates as they are shipped: of a description callers may hear who the agent is, and these.
func TestNoOrderOfATemplateIsSaidToCallers(t *testing.T) {
	may := []string{"The confirmation comes by email.", "The reservation is valid once the hotel confirms it.", "Taking part is voluntary."}
	files, err := filepath.Glob("../templates/data/*/en-US.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var in struct {
			Description string
			Trainings   []struct{ Subject, Instructions string }
		}
		if err := yaml.Unmarshal(raw, &in); err != nil {
			t.Fatal(err)
		}
		b := llm.Brief{AgentName: "Rose", Description: in.Description}
		for _, tr := range in.Trainings {
			b.Trainings = append(b.Trainings, llm.Training{Subject: tr.Subject, Instructions: tr.Instructions})
		}
		k := understand(b)
		for _, f := range k.facts {
			if f.topic == 0 && !f.identity && !slices.Contains(may, f.text) {
				t.Errorf("%s: callers may hear %q", name, f.text)
			}
		}
		if k.identity == "" || k.fallback.slots[0].label != "name" {
			t.Errorf("%s: says of itself %q, and asks first for %s when it takes a message", name, k.identity, k.fallback.slots[0].label)
		}
	}
}
