package convo_test

import (
	"testing"
	"time"
)

func TestAnswersAQuestion(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.wantHeard("hello there")
		r.says("when are you open?")
		r.sleep(5 * time.Second)
		r.wantHeard("hello there we are open from nine to six on every working day.")
		r.wantTranscript("agent: hello there", "caller: when are you open?", "agent: we are open from nine to six on every working day.")
		r.leg.HangUp()
		r.wantEnd(time.Second, "caller_hung_up")
		r.wantReplay()
		for _, x := range r.turns {
			t.Logf("%+v", x)
		}
	})
}
