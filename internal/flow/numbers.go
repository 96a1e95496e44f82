package flow

import "slices"

// Numbers are those of all transfer nodes as a call begins: placeholders of the payload are filled in, and what depends on a variable is
// not known yet.
func (g *Graph) Numbers(begin State) (all []string) {
	for _, n := range g.nodes {
		if n.kind != Transfer {
			continue
		}
		if number := begin.fill(n.dials()); number != "" && !slices.Contains(all, number) {
			all = append(all, number)
		}
	}
	slices.Sort(all)
	return all
}

// dials is the number that a transfer node gives the caller to; empty when an action says that.
func (n *node) dials() string {
	if n.number == "" && n.action == "" {
		return n.content
	}
	return n.number
}
