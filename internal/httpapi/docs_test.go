package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var reference = regexp.MustCompile(`(?:href|src|url)[=:]\s*"([^"]+)"`)

func docsDoor(cfg Config) *api { return build(cfg, Deps{Log: slog.New(slog.DiscardHandler)}) }

func get(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDocsPageLoadsOnlyWhatThisServerHas(t *testing.T) {
	h := docsDoor(Config{})
	kinds := map[string]string{"": "text/html", ".css": "text/css", ".js": "javascript", ".json": "application/json"}
	seen := map[string]bool{}
	for todo := []string{"/docs"}; len(todo) > 0; todo = todo[1:] {
		path := todo[0]
		if seen[path] {
			continue
		}
		seen[path] = true
		w := get(t, h, path)
		kind := w.Header().Get("Content-Type")
		if w.Code != 200 || !strings.Contains(kind, kinds[filepath.Ext(path)]) {
			t.Errorf("%s: %d %s", path, w.Code, kind)
		}
		if policy := w.Header().Get("Content-Security-Policy"); policy != docsPolicy {
			t.Errorf("%s may load by %q", path, policy)
		}
		if path != "/docs" && path != "/docs/start.js" {
			continue // what they name is nothing that they load: the policy sees to it
		}
		for _, m := range reference.FindAllStringSubmatch(w.Body.String(), -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(u.Path, "/") {
				t.Errorf("%s names %s, which does not lie beside it", path, m[1])
				continue
			}
			todo = append(todo, "/"+u.Path)
		}
	}
	for _, path := range []string{"/openapi.json", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"} {
		if !seen[path] {
			t.Errorf("the page does not load %s", path)
		}
	}
}

func TestServedDocumentIsTheOneOfTheRoutes(t *testing.T) {
	for public, want := range map[string]string{"": "/", "https://voice.example/api/": "https://voice.example/api"} {
		w := get(t, docsDoor(Config{PublicURL: public}), "/openapi.json")
		var doc struct {
			OpenAPI string
			Servers []struct{ URL string }
			Paths   map[string]map[string]struct{ OperationID string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != want {
			t.Errorf("with public address %q: OpenAPI %s at %v", public, doc.OpenAPI, doc.Servers)
		}
		for _, rt := range Routes() {
			if got := doc.Paths[rt.Path][strings.ToLower(rt.Method)].OperationID; got != rt.ID {
				t.Errorf("%s %s is described as %q, want %s", rt.Method, rt.Path, got, rt.ID)
			}
		}
	}
}

func TestPackedAndPlainAreDifferentRepresentations(t *testing.T) {
	h := docsDoor(Config{})
	const path = "/docs/swagger-ui.css"
	plain, packed := get(t, h, path), get(t, h, path, "Accept-Encoding", "br, gzip")
	if plain.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len() >= plain.Body.Len() {
		t.Errorf("plain %d bytes %v, packed %d bytes %v", plain.Body.Len(), plain.Header(), packed.Body.Len(), packed.Header())
	}
	tag := packed.Header().Get("ETag")
	if tag == plain.Header().Get("ETag") {
		t.Error("both have one ETag")
	}
	if w := get(t, h, path, "Accept-Encoding", "gzip", "If-None-Match", tag); w.Code != http.StatusNotModified {
		t.Errorf("asked for again: %d", w.Code)
	}
	for _, path := range []string{"/docs/", "/docs/other.js", "/docs/../openapi.json"} {
		if rt := h.find(httptest.NewRequest("GET", path, nil)); rt != nil {
			t.Errorf("%s is served as %s", path, rt.path)
		}
	}
}
