package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

// route is an operation with what serves it.
type route struct {
	op
	serve func(w http.ResponseWriter, r *http.Request, actor parley.Actor) error
	// Of a pattern that stands for several routes: which one a request is, or nil, and all of them.
	fork   func(r *http.Request) *route
	behind []*route
}

const requestIDHeader = "X-Request-Id"

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ServeHTTP takes every request: it finds the operation, counts the request, asks who it is, and lets the operation answer.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := r.Header.Get(requestIDHeader)
	if !goodRequestID.MatchString(id) {
		id = parley.NewID()
	}
	w.Header().Set(requestIDHeader, id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	rt := a.find(r)
	var o *op
	if rt != nil {
		o = &rt.op
	}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.log.Error("panic in a request", "request", id, "panic", p, slog.String("stack", string(debug.Stack())))
			a.fail(w, r, o, fmt.Errorf("panic: %v", p))
		}
	}()
	if err := a.admit(w, r, rt); err != nil {
		a.fail(w, r, o, err)
	}
	if rt != nil {
		a.log.Debug("request served", "operation", rt.id, "request", id, "ms", time.Since(start).Milliseconds())
	}
}

// admit lets a request in, step by step: operation, rate, token.
func (a *api) admit(w http.ResponseWriter, r *http.Request, rt *route) error {
	if rt != nil && rt.free {
		a.mux.ServeHTTP(w, r)
		return nil
	}
	actor, who := a.identify(r)
	if who == nil && rt != nil && !rt.open && rt.person != actor.Personal {
		who = parley.Errorf(parley.InvalidToken, "a token of the other kind")
	}
	now := time.Now()
	var left allowance
	if who == nil {
		left = a.limits.take(actor, now)
	} else {
		left = a.limits.takeStranger(address(r), now)
	}
	left.show(w.Header())
	switch {
	case left.over:
		return left.err(now)
	case rt == nil:
		return a.unknown(w, r)
	case who != nil && !rt.open:
		return who
	}
	a.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
	return nil
}

type actorKey struct{}

// mount puts a route on the mux.
func (a *api) mount(rt *route) {
	pattern := rt.method + " " + rt.path
	a.routes[pattern] = rt
	a.doc.add(rt)
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		actor, _ := r.Context().Value(actorKey{}).(parley.Actor)
		if err := rt.serve(w, r, actor); err != nil {
			a.fail(w, r, &rt.op, err)
		}
	})
}

// mountFork puts routes whose patterns overlap on the mux as one.
func (a *api) mountFork(pattern string, choose func(r *http.Request) *route, all ...*route) {
	a.routes[pattern] = &route{fork: choose, behind: all}
	for _, rt := range all {
		a.doc.add(rt)
	}
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		actor, _ := r.Context().Value(actorKey{}).(parley.Actor)
		rt := choose(r) // there is one: find has looked
		if err := rt.serve(w, r, actor); err != nil {
			a.fail(w, r, &rt.op, err)
		}
	})
}

// find is the route of a request, or nil. The mux would redirect a path that is not clean; here it is unknown.
func (a *api) find(r *http.Request) *route {
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		return nil
	}
	_, pattern := a.mux.Handler(r)
	rt := a.routes[pattern]
	if rt != nil && rt.fork != nil {
		return rt.fork(r)
	}
	return rt
}

// unknown is the refusal of a path that has no operation, or none of that method.
func (a *api) unknown(w http.ResponseWriter, r *http.Request) error {
	var methods, exact []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		rt := a.find(&http.Request{Method: m, URL: r.URL, Host: r.Host})
		switch {
		case rt == nil:
			continue
		case rt.path == r.URL.Path:
			exact = append(exact, m)
		}
		methods = append(methods, m)
	}
	if len(exact) > 0 { // a path of its own, such as /agents/templates, is not also the agent of that id
		methods = exact
	}
	if len(methods) == 0 {
		return parley.Errorf(parley.NotFound, "no such path")
	}
	list := strings.Join(methods, ", ")
	w.Header().Set("Allow", list)
	return parley.Errorf(parley.MethodNotAllowed, "The %s method is not supported for this route. Supported methods: %s.", r.Method, list)
}

// identify asks whose the request's token is.
func (a *api) identify(r *http.Request) (parley.Actor, error) {
	token := bearer(r)
	if token == "" {
		return parley.Actor{}, errMissingToken
	}
	return a.deps.Accounts.Identify(r.Context(), token)
}

// bearer is the token of the Authorization header (RFC 6750 §2.1), empty when there is none.
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func requestID(w http.ResponseWriter) string { return w.Header().Get(requestIDHeader) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a client that went away hears nothing
}

// tooLarge says whether reading a body failed by its size.
func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
