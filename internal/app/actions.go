package app

import (
	"log/slog"
	"time"

	"github.com/parley-voice/parley/internal/actions"
	"github.com/parley-voice/parley/internal/actions/caldav"
	"github.com/parley-voice/parley/internal/actions/email"
	"github.com/parley-voice/parley/internal/actions/mcp"
	"github.com/parley-voice/parley/internal/actions/slack"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/secrets"
)

// requester sends what webhook actions ask for, by the one way out.
func requester(cfg config.Config, key *secrets.Key, log *slog.Logger) *actions.Actions {
	guard := &egress.Guard{Allow: cfg.EgressAllow()}
	return actions.New(actions.Deps{
		Vault: key, Client: guard.Client(0, actionAnswer), CheckURL: guard.CheckURL, Integrations: Integrations(guard), Log: log,
	})
}

// Integrations are the services that actions know how to use beside plain HTTP.
func Integrations(guard *egress.Guard) []actions.Integration {
	return []actions.Integration{
		mcp.New(guard.Client(toolsWithin, toolsAnswer)), caldav.New(guard.Client(0, calendarAnswer)),
		email.New(guard.Dialer(), nil), slack.New(guard.Client(0, actionAnswer)),
	}
}

// actionAnswer is how much of an answer may come, in bytes; the model sees less.
const actionAnswer = 64 << 10

// toolsWithin and toolsAnswer bound a request to an MCP server: a list of tools is long, and what the model sees is cut.
const (
	toolsWithin = 10 * time.Second
	toolsAnswer = 1 << 20
)

// calendarAnswer bounds a week of a calendar, in bytes.
const calendarAnswer = 2 << 20
