// Package templates holds the agents that people begin with: what each is for, in every language that it is written in. They are files in
// the binary, a folder for each kind: template.yaml has what all its languages share, LANGUAGE.yaml the texts. The loader refuses what an
// agent could not be made of. It keeps nothing of anybody and knows no HTTP.
package templates

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/parley-voice/parley"
)

// Catalogue is all templates. It does not change, and is safe for concurrent use.
type Catalogue struct {
	all []parley.AgentTemplate
}

// Template finds a template by id. With a language it is the one of the same kind in that language, else in the same language of another
// region, else the one that has the id.
func (c *Catalogue) Template(id, language string) (parley.AgentTemplate, bool) {
	i := slices.IndexFunc(c.all, func(t parley.AgentTemplate) bool { return t.ID == id })
	if i < 0 {
		return parley.AgentTemplate{}, false
	}
	found := c.all[i]
	for _, in := range []func(a, b string) bool{func(a, b string) bool { return a == b }, sameLanguage} {
		j := slices.IndexFunc(c.all, func(t parley.AgentTemplate) bool { return t.Kind == found.Kind && in(t.Settings.Language, language) })
		if j >= 0 {
			return c.all[j], true
		}
	}
	return found, true
}

// sameLanguage compares tags but for their regions.
func sameLanguage(a, b string) bool {
	a, _, _ = strings.Cut(a, "-")
	b, _, _ = strings.Cut(b, "-")
	return a == b
}

// List returns the templates for a country, of all when it is empty, in the catalogue's order.
func (c *Catalogue) List(actor parley.Actor, country string) ([]parley.AgentTemplate, error) {
	return c.pick(actor, nil, func(t *parley.AgentTemplate) bool { return country == "" || t.Country == country })
}

// Search returns the templates that have every word of a query in their name, description or sector, as a part and without regard to case
// and accents. No word finds nothing.
func (c *Catalogue) Search(actor parley.Actor, query string, faults parley.Faults) ([]parley.AgentTemplate, error) {
	words := strings.Fields(folded(query))
	return c.pick(actor, faults, func(t *parley.AgentTemplate) bool {
		in := folded(strings.Join([]string{t.Name, t.Description, t.SectorLabel, t.Sector}, "\n"))
		return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(in, w) })
	})
}

// Sector is the templates of a line of business.
type Sector struct {
	Name, Label string
	Templates   []parley.AgentTemplate
}

// Sectors returns the templates of a builder type, of all when it is empty, by sector in the order of their names.
func (c *Catalogue) Sectors(actor parley.Actor, b parley.BuilderType, faults parley.Faults) (groups []Sector, err error) {
	list, err := c.pick(actor, faults, func(t *parley.AgentTemplate) bool { return b == "" || t.Builder == b })
	slices.SortStableFunc(list, func(a, b parley.AgentTemplate) int { return strings.Compare(a.Sector, b.Sector) })
	for _, t := range list {
		if n := len(groups); n == 0 || groups[n-1].Name != t.Sector {
			groups = append(groups, Sector{Name: t.Sector, Label: t.SectorLabel})
		}
		last := &groups[len(groups)-1]
		last.Templates = append(last.Templates, t)
	}
	return groups, err
}

// Statistics are how many templates there are.
type Statistics struct {
	Total     int
	BySector  map[string]int
	ByBuilder map[parley.BuilderType]int
}

// Statistics counts.
func (c *Catalogue) Statistics(actor parley.Actor) (Statistics, error) {
	s := Statistics{BySector: map[string]int{}, ByBuilder: map[parley.BuilderType]int{}}
	list, err := c.List(actor, "")
	for _, t := range list {
		s.Total++
		s.BySector[t.Sector]++
		s.ByBuilder[t.Builder]++
	}
	return s, err
}

func (c *Catalogue) pick(actor parley.Actor, faults parley.Faults, of func(t *parley.AgentTemplate) bool) (list []parley.AgentTemplate, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	for i := range c.all {
		if of(&c.all[i]) {
			list = append(list, c.all[i])
		}
	}
	return list, nil
}

// folded is s in lower case and without accents.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
}
