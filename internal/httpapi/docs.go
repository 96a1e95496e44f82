package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	viewer "github.com/swaggest/swgui/v5/static"
)

//go:embed docspage
var docsPage embed.FS

// docsPolicy lets the page load from and talk to this server alone. Swagger UI draws icons from data URLs and needs no inline script.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docsRoutes mounts the description of the API and the page that shows it. They are no operations, and not part of it themselves.
func (a *api) docsRoutes() {
	a.page("/openapi.json", "openapi.json", a.packDocument)
	a.page("/docs", "index.html", own("index.html"))
	a.page("/docs/start.js", "start.js", own("start.js"))
	for _, name := range []string{"swagger-ui-bundle.js", "swagger-ui.css"} {
		a.page("/docs/"+name, name, theirs(name))
	}
}

// page mounts a file that browsers load, packed when it is first asked for. It needs no token and is not counted.
func (a *api) page(path, name string, load func() ([]byte, error)) {
	pattern := http.MethodGet + " " + path
	rt := &route{op: op{method: http.MethodGet, path: path, free: true}}
	file := sync.OnceValues(func() (*packedFile, error) {
		packed, err := load()
		return newPackedFile(name, packed), err
	})
	a.routes[pattern] = rt
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f, err := file()
		if err == nil {
			err = f.serve(w, r)
		}
		if err != nil {
			a.fail(w, r, &rt.op, fmt.Errorf("serve %s: %w", name, err))
		}
	})
}

// packedFile is a file as it goes over the wire, packed with gzip.
type packedFile struct {
	name, etag string
	packed     []byte
}

func newPackedFile(name string, packed []byte) *packedFile {
	sum := sha256.Sum256(packed)
	return &packedFile{name: name, etag: hex.EncodeToString(sum[:8]), packed: packed}
}

func (a *api) packDocument() ([]byte, error) {
	text, err := a.doc.json(a.cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return pack(text)
}

// own is a file of the page that is ours.
func own(name string) func() ([]byte, error) {
	return func() ([]byte, error) {
		text, err := fs.ReadFile(docsPage, path.Join("docspage", name))
		if err != nil {
			return nil, err
		}
		return pack(text)
	}
}

// theirs is a file of Swagger UI, which its module carries packed.
func theirs(name string) func() ([]byte, error) {
	return func() ([]byte, error) { return fs.ReadFile(viewer.FS, name+".gz") }
}

func pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// serve writes the file, unpacked for a client that does not take it packed.
func (f *packedFile) serve(w http.ResponseWriter, r *http.Request) error {
	content, etag := f.packed, f.etag
	h := w.Header()
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		etag += "-gzip" // another representation, another tag (RFC 9110 §8.8.3.3)
	} else {
		z, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return err
		}
		if content, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache") // asked for again each time, sent again when the server was replaced
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(f.name)))
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	return nil
}
