package rooms

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// crowd is a database of many calls that are made up as they are read.
type crowd struct {
	store.Store
	store.Tx
	calls int
}

func (c *crowd) View(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	return fn(ctx, c)
}

func (c *crowd) CallsBelow(_ context.Context, _ string, after store.Step, limit int) (list []*parley.Call, err error) {
	var from int
	_, _ = fmt.Sscanf(after.ID, "call-%d", &from)
	for n := from + 1; n <= min(from+limit, c.calls); n++ {
		list = append(list, &parley.Call{ID: fmt.Sprintf("call-%08d", n), Recording: "one.wav"})
	}
	return list, nil
}

func (c *crowd) TurnsOf(context.Context, string) ([]parley.Turn, error) {
	return slices.Repeat([]parley.Turn{{Text: whisper}}, 20), nil
}
func (c *crowd) CallActionsOf(context.Context, string) ([]*parley.CallAction, error) { return nil, nil }
func (c *crowd) SIPMessagesOf(context.Context, string) ([]parley.SIPMessage, error)  { return nil, nil }
func (c *crowd) TrainingsOf(context.Context, ...string) (map[string][]parley.Training, error) {
	return nil, nil
}
func (c *crowd) ActionsOf(context.Context, ...string) (map[string][]parley.Action, error) {
	return nil, nil
}
func (c *crowd) FlowVersions(context.Context, string) ([]parley.FlowVersion, error) { return nil, nil }
func (c *crowd) WebhooksOf(context.Context, string) ([]*parley.Webhook, error)      { return nil, nil }
func (c *crowd) CallbackRolesOf(context.Context, ...string) (map[string]*parley.CallbackRole, error) {
	return nil, nil
}
func (c *crowd) NumbersOf(context.Context, ...string) (map[string][]*parley.PhoneNumber, error) {
	return nil, nil
}

// TestMemoryDoesNotGrowWithTheCalls packs many calls and looks at the heap after few and after all.
func TestMemoryDoesNotGrowWithTheCalls(t *testing.T) {
	const calls, slack = 10_000, 2 << 20
	sounds := dir(t)
	f, err := sounds.Create(t.Context(), "one.wav")
	if err == nil {
		_, err = f.Write(make([]byte, 2000))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := newCrate(t, &crowd{calls: calls}, sounds)
	var few, most uint64
	x, err := c.archives.Pack(t.Context(), "many", &parley.Agent{}, func(x parley.Export) {
		if x.Calls%(calls/5) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if few == 0 {
				few = m.HeapAlloc
			}
			most = max(most, m.HeapAlloc)
		}
	})
	if err != nil || x.Calls != calls || x.Recordings != calls {
		t.Fatalf("%+v, %v", x, err)
	}
	if most > few+slack {
		t.Errorf("the heap grew from %d to %d bytes while %d calls were packed", few, most, calls)
	}
}
