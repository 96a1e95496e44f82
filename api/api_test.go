package api

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/parley-voice/parley/internal/httpapi"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

func TestDocumentIsGeneratedFromTheRoutes(t *testing.T) {
	want, err := httpapi.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.yaml", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Document, want) {
		t.Error("api/openapi.yaml is not what the routes say: run `go test ./api -update`")
	}
}
