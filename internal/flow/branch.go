package flow

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// matchKind says what decides on a branch.
type matchKind int

const (
	byIntent    matchKind = iota // what the caller wants, in plain words
	byCondition                  // an expression over variables
	byOutcome                    // what came of an action or a transfer
	byDefault                    // nothing else
)

// mostParts bounds a condition, in nodes of its syntax tree.
const mostParts = 100

// payloadName is the name by which conditions and texts reach the call's payload.
const payloadName = "payload"

// defaults are the words of a branch that is taken when no other is.
var defaults = map[string]bool{"default": true, "else": true, "otherwise": true, "*": true, "": true}

// outcomes are what may come of an action or a transfer. A failure is any outcome but success.
var outcomes = map[string]string{
	"success": success, "succeeded": success, "ok": success, "failure": failure, "failed": failure, "error": failure,
	"busy": "busy", "no_answer": "no_answer", "no answer": "no_answer", "refused": "refused",
}

const (
	success = "success"
	failure = "failure"
)

// reOperator finds what plain words do not hold.
var reOperator = regexp.MustCompile(`==|!=|<|>|&&|\|\||\b(?:not )?(?:contains|startsWith|endsWith|matches) ["']|\b(?:not )?in \[`)

// reFlag is a variable alone, or its contrary.
var reFlag = regexp.MustCompile(`^(?:!|not )? *([A-Za-z_][A-Za-z0-9_]*)$`)

// read finds out what decides on the branch of a node. kind is "condition" or "intent" where the flow says so.
func (b *branch) read(of Type, kind string, env map[string]any) error {
	word := strings.ToLower(b.match)
	flag := false
	if m := reFlag.FindStringSubmatch(b.match); m != nil {
		_, flag = env[m[1]].(bool)
	}
	switch {
	case kind == "intent":
		b.kind = byIntent
		return nil
	case defaults[word]:
		b.kind = byDefault
		return nil
	case kind != "condition" && outcomes[word] != "" && (of == Act || of == Transfer):
		b.kind, b.match = byOutcome, outcomes[word]
		return nil
	case kind != "condition" && !flag && !reOperator.MatchString(b.match):
		b.kind = byIntent
		return nil
	}
	b.kind = byCondition
	var err error
	b.condition, err = compile(b.match, env)
	return err
}

// compile reads a condition. It may compare and combine variables, and calls nothing.
func compile(text string, env map[string]any) (p *vm.Program, err error) {
	defer func() {
		if recover() != nil { // the library's own errors are returned; a flow must not end the process in any case
			err = fmt.Errorf("it cannot be read")
		}
	}()
	p, err = expr.Compile(text, expr.Env(env), expr.AsBool(), expr.DisableAllBuiltins(), expr.MaxNodes(mostParts))
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s", line)
	}
	return p, nil
}

// holds says whether a condition is true of the variables. What compares a variable that is not known is not true.
func (b *branch) holds(values map[string]any) bool {
	out, err := expr.Run(b.condition, values)
	is, _ := out.(bool)
	return err == nil && is
}
