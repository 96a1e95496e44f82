package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const everyNode = "../../internal/flow/testdata/every-node.json"

// simulate runs `parley flow run` without models, on what the caller says.
func simulate(t *testing.T, says string, args ...string) (out, errs string, code int) {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.WriteFile(in, []byte(says), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	was := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = was }()
	var o, e bytes.Buffer
	code = run(append([]string{"flow", "run", "--data", dir, "--models", filepath.Join(dir, "none")}, args...), streams{&o, &e})
	return o.String(), e.String(), code
}

func TestFlowRun(t *testing.T) {
	const visit = "I would like to book an appointment\nMy name is Laura\n\nFriday, March 1, 2030\nfor two people\n"
	agent := filepath.Join(t.TempDir(), "agent.json")
	body := `{"success":true,"data":{"language":"en-US","initial_message":"Hello.","who_speaks_first":"agent",
		"flow_config":{"initial_node_id":"a","nodes":[{"id":"a","type":"end","content":"Bye {{name}}."}]}}}`
	if err := os.WriteFile(agent, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule, says string
		args       []string
		code       int
		out, errs  string // what is printed among others
	}{
		{"it goes along the flow", visit, []string{everyNode, "--path", "--action", `book_appointment=success:{"number":17}`}, 0,
			"node:  booked\nagent: You are booked for Friday, March 1, Laura. Your number is 17.\nnode:  bye\n", "matched by words alone"},
		{"actions fail as told", visit, []string{everyNode, "--path", "--action", "book_appointment=failure", "--transfer", "no-answer"}, 0,
			"(failure)\nnode:  desk\nagent: I will connect you with the front desk.\n(gives the caller to +15550100200)\n(no_answer)\nnode:  nobody\n", ""},
		{"a transfer that is answered is the end", "the front desk please\n", []string{everyNode, "--transfer", "answered"}, 0, "(success)\n", ""},
		{"nobody guesses what comes of an action", visit, []string{everyNode}, 1, "", "give --action book_appointment=success"},
		{"an input that ends too early is told", "I would like to book an appointment\n", []string{everyNode}, 3, "What is your name, please?", `waits at node "name"`},
		{"an agent with its flow will do", "", []string{agent, "--payload", `{"name":"Ann"}`}, 0, "agent: Hello.\nagent: Bye Ann.\n(hangs up)\n", ""},
		{"an outcome must be one", "", []string{agent, "--transfer", "maybe"}, 1, "", `"maybe" is no outcome`},
		{"so must that of an action", "", []string{agent, "--action", "book=success:{"}, 1, "", "want NAME=OUTCOME"},
		{"a file must be there", "", []string{"none.json"}, 1, "", "none.json"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			out, errs, code := simulate(t, c.says, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("exit code %d\n%s\n%s", code, out, errs)
			}
		})
	}
}

func TestFlowRunTellsWhatIsWrongWithAFlow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flow.json")
	for body, want := range map[string]string{
		`{"initial_node_id":"a","nodes":[{"id":"a","type":"say","content":"x","next":"b"}]}`: "Node 'a' references unknown next node 'b'",
		`{"flow_config":{"initial_node_id":"z","nodes":[]}}`:                                 "initial_node_id 'z' not found in nodes",
		`{"name":"Rose"}`: "it holds no flow",
		`[]`:              "it is no JSON object",
	} {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := simulate(t, "", file); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", body, code, errs)
		}
	}
}
