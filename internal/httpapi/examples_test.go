package httpapi

import "testing"

func TestEveryTextHasAnExample(t *testing.T) {
	for _, field := range build(Config{}, Deps{}).doc.examples.missing {
		t.Errorf(`%s has no example: give it a tag example:"…" beside its form, or its name a meaning in exampleworld.go`, field)
	}
}
