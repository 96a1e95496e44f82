package httpapi

import (
	"net/http"
	"net/url"
	"strings"
)

// base is where clients reach the API: as configured, else as this request did.
func (a *api) base(r *http.Request) *url.URL {
	if a.cfg.PublicURL != "" {
		if u, err := url.Parse(strings.TrimSuffix(a.cfg.PublicURL, "/")); err == nil {
			return u
		}
	}
	u := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u
}

// link is the address of a path of the API, segment by segment; a segment that is an id is escaped.
func (a *api) link(r *http.Request, prefix, id, rest string) *url.URL {
	return a.base(r).JoinPath(prefix, url.PathEscape(id), rest)
}

// socket is the address of a call's transport.
func (a *api) socket(r *http.Request, callID, token string) string {
	u := a.link(r, "", callID, "transport")
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u.RawQuery = url.Values{"x-talq": {token}}.Encode()
	return u.String()
}
