package worker

import (
	"slices"
	"testing"
)

func TestAWorkerIsThisBinaryWithoutItsSecrets(t *testing.T) {
	t.Setenv("PARLEY_MASTER_KEY", "secret")
	t.Setenv("TMPDIR", "/tmp/x")
	cmd, err := command("/models", 64)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"worker", "--models", "/models", "--slots", "1"}; !slices.Equal(cmd.Args[1:], want) {
		t.Errorf("arguments %q", cmd.Args)
	}
	if slices.Contains(cmd.Env, "PARLEY_MASTER_KEY=secret") || !slices.Contains(cmd.Env, "TMPDIR=/tmp/x") {
		t.Errorf("environment %q", cmd.Env)
	}
}
