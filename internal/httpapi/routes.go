package httpapi

import (
	"cmp"
	"slices"

	"github.com/parley-voice/parley"
)

// Route is an operation as the router holds it.
type Route struct {
	ID, Method, Path string
	Codes            []parley.Code // refusals that are its own
	Person           bool          // takes a personal token, where others take an environment's
	Open             bool          // needs no token, or looks at tokens itself
}

// Routes lists what the router serves, by path and method.
func Routes() (list []Route) {
	for _, rt := range build(Config{}, Deps{}).routes {
		for _, one := range append(rt.behind, rt) {
			if one.id != "" {
				list = append(list, Route{one.id, one.method, one.path, one.codes, one.person, one.open || one.free})
			}
		}
	}
	slices.SortFunc(list, func(a, b Route) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return list
}
