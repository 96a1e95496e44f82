package contract

import (
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// beyond are the operations that the contract does not have.
var beyond = []string{
	"getCall", "getCallRecording", "getCallSip", "getErasure", "getVoiceTemplateDemoAudio", "pressKeys", "transferCall", "answerAction",
	"listSipPhones", "createSipPhone", "deleteSipPhone",
	"listErasures", "eraseCaller", "getPublicKeys", "getAgentDeletionPreview", "getErasureExport", "deleteErasureExport",
}

func TestDocumentIsValid(t *testing.T) {
	if err := ours(t).doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDocumentDeviatesFromTheContractNowhere(t *testing.T) {
	contract := loadSpec(t, "testdata/contract.yaml")
	mine := ours(t)
	for id, o := range mine.ops {
		c, known := contract.ops[id]
		if !known {
			if !slices.Contains(beyond, id) {
				t.Errorf("%s is neither in the contract nor listed as beyond it", id)
			}
			continue
		}
		if o.method != c.method || o.path != c.path {
			t.Errorf("%s is %s %s, want %s %s", id, o.method, o.path, c.method, c.path)
		}
		if got, want := o.successes(), c.successes(); !slices.Equal(got, want) {
			t.Errorf("%s succeeds with %v, want %v", id, got, want)
		}
		compareParams(t, mine, contract, o, c)
		compareCodes(t, o, c)
	}
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(contract.ops)) {
		if mine.ops[id] == nil {
			missing = append(missing, id)
		}
	}
	t.Logf("%d of the contract's %d operations are here; missing: %v", len(contract.ops)-len(missing), len(contract.ops), missing)
}

// params are the names of an operation's parameters, each with where it stands.
func (s *spec) params(o *operation) (names []string) {
	for _, list := range []openapi3.Parameters{o.raw.Parameters, s.doc.Paths.Find(o.path).Parameters} {
		for _, p := range list {
			if p.Value.In != "header" {
				names = append(names, p.Value.In+" "+p.Value.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func compareParams(t *testing.T, mine, contract *spec, o, c *operation) {
	if got, want := mine.params(o), contract.params(c); !slices.Equal(got, want) {
		t.Errorf("%s takes %v, want %v", o.id, got, want)
	}
}

// compareCodes wants every error code of the contract, with its text.
func compareCodes(t *testing.T, o, c *operation) {
	for _, want := range c.codes {
		described := slices.ContainsFunc(o.codes, func(have errorCode) bool {
			return have.Code == want.Code && have.Status == want.Status && have.Message == want.text()
		})
		if !described {
			t.Errorf("%s does not describe %d %s with %q", o.id, want.Status, want.Code, want.text())
		}
	}
}

func TestADeviationOfABodyIsSeen(t *testing.T) {
	contract := loadSpec(t, "testdata/contract.yaml")
	training := object{
		"id": "1", "subject": "a", "instructions": "b", "current_status": "active",
		"created_at": "2026-03-05T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z",
	}
	body := func(change object) any {
		t := maps.Clone(training)
		return object{"success": true, "message": "Agent training updated successfully", "data": changed(t, change)}
	}
	o := contract.ops["upsertTraining"]
	if err := contract.check(o, 200, body(nil)); err != nil {
		t.Errorf("a right body: %v", err)
	}
	for name, change := range map[string]object{
		"a missing key": {"subject": nil}, "a wrong type": {"subject": 1.0}, "a value of no enum": {"current_status": "gone"},
	} {
		if contract.check(o, 200, body(change)) == nil {
			t.Errorf("%s is not seen", name)
		}
	}
	wrong := body(nil).(object)
	wrong["message"] = "Done"
	if contract.check(o, 200, wrong) == nil {
		t.Error("another message is not seen")
	}
}
