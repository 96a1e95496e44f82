package calls

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

func TestTheModelTransfers(t *testing.T) {
	for name, c := range map[string]struct {
		target, said string
		outcome      media.Outcome
	}{
		"to a busy line": {"sales", "The line is busy at the moment.", media.OutcomeBusy},
		"to nobody":      {"boss", "I could not connect you.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.targets = []calls.Target{{Name: "sales", TransferRequest: parley.TransferRequest{To: colleague, Mode: parley.TransferWarm}}}
				h.model = &llmtest.Model{Script: func(_ llm.Brief, history []llm.Message) llmtest.Reply {
					last := history[len(history)-1]
					if last.Role == llm.Caller {
						return llmtest.Reply{Words: []string{"one moment."}, Calls: []llm.ToolCall{{
							ID: "c1", Name: llm.ToolTransfer, Arguments: json.RawMessage(`{"target":"` + c.target + `","briefing":"bob"}`),
						}}}
					}
					var result struct{ Message string }
					if err := json.Unmarshal([]byte(last.Text), &result); err != nil {
						t.Error(err)
					}
					return llmtest.Say(result.Message)
				}}
				h.open()
				leg, r, _ := h.answered()
				h.dialer.Answers, h.dialer.Err = time.Second, &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
				says(leg.Leg, "give me sales please")
				h.sleep(10 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, c.said) || !strings.Contains(got, "one moment.") {
					t.Errorf("told %q", got)
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				if got, _ := h.only(); c.outcome != "" && (len(got.Transfers) != 1 || got.Transfers[0].Outcome != string(c.outcome)) {
					t.Errorf("kept %+v", got.Transfers)
				}
				h.close()
			})
		})
	}
}

// wishes makes the caller's side ask that we call somebody, and returns what it is told.
func (l *sipLeg) wish(to string) *[]int {
	told := &[]int{}
	l.wishes <- media.Wish{To: to, Replaces: "a;to-tag=b;from-tag=c", Progress: func(status int) { *told = append(*told, status) }}
	return told
}

func TestAWishOfTheCallersSideIsGranted(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, _ := h.answered()
		target := h.answers(time.Second)
		told := leg.wish(colleague)
		h.sleep(4 * time.Second)
		if d := h.dialer.Dialled(); len(d) != 1 || d[0].To != colleague || d[0].Replaces != "a;to-tag=b;from-tag=c" {
			t.Errorf("dialled %+v", d)
		}
		if len(*told) != 2 || (*told)[0] != 180 || (*told)[1] != 200 || leg.Cause() != media.EndLocal {
			t.Errorf("told %v, %s", *told, leg.Cause())
		}
		says(target, "are you open?")
		h.sleep(4 * time.Second)
		if got := speechtest.Text(target.Said()); got != "hello there yes we are." {
			t.Errorf("the target was told %q", got)
		}
		target.HangUp()
		<-r.done
		h.sleep(time.Second)
		if c := h.wantCall(parley.CallCompleted, parley.EndedByCaller); len(c.Transfers) != 1 || c.Transfers[0].Mode != parley.TransferAsked {
			t.Errorf("%+v", c.Transfers)
		}
	})
}

func TestAStrangersWishDialsNothing(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, _ := h.answered()
		for name, to := range map[string]string{
			"an emergency number": "+19115550100", "a premium number": "+19005550100", "another country": "+4930123456", "an extension": "101",
		} {
			told := leg.wish(to)
			h.sleep(time.Second)
			if d := h.dialer.Dialled(); len(d) != 0 || len(*told) != 1 || (*told)[0] != 603 {
				t.Errorf("%s: dialled %+v, told %v", name, d, *told)
			}
		}
		says(leg.Leg, "are you open?")
		h.sleep(4 * time.Second)
		if got := speechtest.Text(leg.Said()); got != "hello there yes we are." {
			t.Errorf("told %q", got)
		}
		leg.HangUp()
		<-r.done
	})
}

func TestAWishForABusyLineGoesOnWithTheCaller(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, _ := h.answered()
		h.dialer.Answers, h.dialer.Err = time.Second, &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
		told := leg.wish(colleague)
		h.sleep(3 * time.Second)
		says(leg.Leg, "are you open?")
		h.sleep(4 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "yes we are.") || len(*told) != 1 || (*told)[0] != 486 {
			t.Errorf("told %q, %v", got, *told)
		}
		leg.HangUp()
		<-r.done
	})
}
