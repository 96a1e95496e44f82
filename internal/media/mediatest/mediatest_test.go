package mediatest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
)

func TestScriptedLegPassesTheSuite(t *testing.T) {
	mediatest.Run(t, func(t *testing.T) (media.Leg, mediatest.Far) {
		l := mediatest.Start(t)
		return l, l
	})
}

func TestScriptedLegKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mediatest.Start(t)
		time.Sleep(time.Second)
		f := media.Frame{1}
		if err := l.Write(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		said := l.Said()
		at := time.Duration(0)
		for i, x := range said {
			if x == 1 {
				at = time.Duration(i) * time.Second / media.Rate
			}
		}
		if at != time.Second && at != time.Second-media.FrameTime {
			t.Errorf("the frame written after a second left after %v", at)
		}
		if q := l.Quiet(); q < 960*time.Millisecond || q > time.Second {
			t.Errorf("quiet for %v", q)
		}
	})
}

func TestDialerFollowsItsScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &mediatest.Dialer{Rings: time.Second, Answers: time.Second, Err: &media.NotAnswered{Outcome: media.OutcomeBusy}}
		rang := false
		_, _, err := d.Dial(t.Context(), media.Target{To: "+15550100"}, func(string) { rang = true })
		if na, ok := errors.AsType[*media.NotAnswered](err); !ok || na.Outcome != media.OutcomeBusy || !rang {
			t.Errorf("rang %v, %v", rang, err)
		}
		if got := d.Dialled(); len(got) != 1 || got[0].To != "+15550100" {
			t.Errorf("dialled %v", got)
		}
	})
}
