package worker

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// sameBinary is, on Linux, the program that runs, even when its file was replaced meanwhile: parent and child speak one protocol.
const sameBinary = "/proc/self/exe"

// command is this binary as a worker; the processes share the cores.
func command(models string, workers int) (*exec.Cmd, error) {
	path := sameBinary
	if _, err := os.Stat(path); err != nil {
		if path, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("worker: find this program: %w", err)
		}
	}
	slots := max(1, runtime.GOMAXPROCS(0)/workers)
	cmd := exec.Command(path, "worker", "--models", models, "--slots", strconv.Itoa(slots))
	cmd.Env = environment(os.Environ())
	return cmd, nil
}

// environment keeps what loading libraries and running Go need. Secrets of the server are none of a worker's business.
func environment(all []string) (kept []string) {
	wanted := []string{"PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"}
	for _, v := range all {
		if name, _, _ := strings.Cut(v, "="); slices.Contains(wanted, name) {
			kept = append(kept, v)
		}
	}
	return kept
}
