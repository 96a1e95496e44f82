package sipdoor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-voice/parley/internal/media"
)

// RFC 3261 §16.3 and §8.1.1.6: a call that goes on elsewhere has one hop less left, and none when all are taken.
func TestHopsOfACallThatGoesOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		passed int
		want   string // Max-Forwards; empty for no call
	}{
		{"a call of our own", 0, "70"},
		{"one that came by others", 5, "65"},
		{"its last hop", media.Hops, "0"},
		{"none left", media.Hops + 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, p := open(t, nil), newPhone(t, nil)
			target := trunkAt(p)
			target.Passed = c.passed
			call := place(t, d, target)
			if c.want == "" {
				if na := call.notAnswered(t); na.Status != 483 {
					t.Errorf("%+v", na)
				}
				p.silent("INVITE")
				return
			}
			invite := p.expect("INVITE")
			if got := invite.get("max-forwards"); got != c.want {
				t.Errorf("Max-Forwards %s, want %s", got, c.want)
			}
			p.reply(invite, "486 Busy Here", "a", "")
			p.expect("ACK")
			call.notAnswered(t)
		})
	}
}

// Two doors that send each call on to each other stop when its hops are taken: who began it hears 483 from the last one (RFC 3261 §16.3).
func TestACallInACircleEnds(t *testing.T) {
	var doors [2]atomic.Pointer[Door]
	var calls atomic.Int32
	ended := make(chan error, 1)
	sendOn := func(to int) answers {
		return func(in media.Incoming) {
			calls.Add(1)
			_, _, err := dialDoor(doors[to].Load(), doors[1-to].Load(), in.Invite().Passed+1)
			if na, ok := errors.AsType[*media.NotAnswered](err); ok && na.Status == 483 {
				select {
				case ended <- err:
				default:
				}
			}
			_ = in.Reject(media.RefuseBusy)
		}
	}
	for i := range doors {
		doors[i].Store(open(t, sendOn(1-i)))
	}
	_, _, err := dialDoor(doors[0].Load(), doors[1].Load(), media.Hops-9)
	if err == nil {
		t.Error("the circle was answered")
	}
	get(t, "483", ended)
	if n := calls.Load(); n != 10 {
		t.Errorf("%d calls went round, want 10", n)
	}
}

// dialDoor calls one door from another.
func dialDoor(to, from *Door, passed int) (media.Leg, string, error) {
	host, _, _ := strings.Cut(to.Addr().String(), ":")
	target := media.Target{From: "+15550100", To: "+15550111", Passed: passed}
	target.Trunk.ID, target.Trunk.Domain, target.Trunk.Port, target.Trunk.Transport = "t1", host, int(to.Addr().Port()), "udp"
	return from.Dial(context.Background(), target, func(string) {})
}
