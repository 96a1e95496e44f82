package calls

import (
	"context"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// namesRead is how many agents of an environment can be called by name: its newest published inbound ones. Ids reach all.
const namesRead = 1000

// destination is whom an incoming call is for.
type destination struct {
	env    string
	number *parley.PhoneNumber // the DID; nil when an agent was called by name
	to     string              // what the call's row says was called
	from   string              // and who called
	picked                     // its agent is locked
}

// destinationOf finds whom a call is for. A softphone reaches the agents of its environment by id, by name and by number; everybody else
// by number alone.
func destinationOf(ctx context.Context, tx store.Tx, inv media.Invite) (*destination, error) {
	if inv.Phone != nil {
		d, err := byName(ctx, tx, inv)
		if d != nil || err != nil {
			return d, err
		}
	}
	n, err := route(ctx, tx, inv)
	if err != nil {
		return nil, err
	}
	d := &destination{env: n.EnvironmentID, number: n, to: n.Number, from: inv.From}
	if inv.Phone == nil {
		d.from = caller(inv.From, n.CountryCode)
	}
	d.picked, err = answering(ctx, tx, n, d.from)
	return d, err
}

// byName finds the agent that was called by id or name; nil when nobody is called so.
func byName(ctx context.Context, tx store.Tx, inv media.Invite) (*destination, error) {
	env := inv.Phone.EnvironmentID
	for _, name := range inv.Dialled {
		a, err := tx.Agent(ctx, env, name)
		if parley.CodeOf(err) == parley.AgentNotFound {
			a, err = agentNamed(ctx, tx, env, name)
		}
		if err != nil {
			return nil, err
		}
		if a == nil {
			continue
		}
		if a, err = lockAnswering(ctx, tx, env, a.ID); err != nil {
			return nil, err
		}
		return &destination{env: env, to: name, from: inv.From, picked: picked{agent: a}}, nil
	}
	return nil, nil
}

// agentNamed finds the published inbound agent of a name, nil for none.
func agentNamed(ctx context.Context, tx store.Tx, env, name string) (*parley.Agent, error) {
	want := spelled(name)
	if want == "" {
		return nil, nil
	}
	all, _, err := tx.ListAgents(ctx, env, store.AgentFilter{
		Status: parley.Published, Direction: parley.Inbound, Page: store.Page{Number: 1, Size: namesRead},
	})
	if err != nil {
		return nil, err
	}
	var found *parley.Agent
	for _, a := range all {
		if spelled(a.Name) != want {
			continue
		}
		if found != nil {
			return nil, &refused{media.RefuseNoAgent, "several agents have the dialled name; call one by its id"}
		}
		found = a
	}
	return found, nil
}

// spelled writes a name as it is dialled: small letters and digits without accents, and hyphens for all else. "Dr. Müller's desk" is
// dr-muller-s-desk.
func spelled(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(unicode.ToLower(r))
		default:
			gap = true
		}
	}
	return b.String()
}
