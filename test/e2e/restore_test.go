package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

// keeper makes backups of a server that is stopped, and puts them back.
type keeper struct {
	s        *Server
	url, dir string // of the PostgreSQL, if that is the database; of the backup
}

func (k keeper) shell(script string) {
	k.s.t.Helper()
	cmd := exec.Command("sh", "-euc", script, "sh", k.s.Data, k.dir, k.url)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.s.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// save copies database and recordings, and the ledger beside them. The keys are in no backup, as docs/operation.md wants it.
func (k keeper) save() {
	k.s.t.Helper()
	k.shell(`cp -r "$1/recordings" "$2"; cp "$1/erasures.ledger" "$2/old.ledger"`)
	if k.url != "" {
		k.shell(`pg_dump --clean --if-exists --file "$2/dump.sql" "$3"`)
	} else {
		k.shell(`cp "$1"/parley.db* "$2"`)
	}
}

// restore puts database and recordings back.
func (k keeper) restore() {
	k.s.t.Helper()
	k.shell(`rm -r "$1/recordings"; cp -r "$2/recordings" "$1"`)
	if k.url != "" {
		k.shell(`psql --quiet --set ON_ERROR_STOP=1 --file "$2/dump.sql" "$3"`)
	} else {
		k.shell(`rm -f "$1"/parley.db*; cp "$2"/parley.db* "$1"`)
	}
}

// oldLedger puts the ledger back as it was at the backup, which operators must not do.
func (k keeper) oldLedger() {
	k.s.t.Helper()
	k.shell(`cp "$2/old.ledger" "$1/erasures.ledger"`)
}

// left lists the words that the data directory or the database hold.
func (k keeper) left(words ...string) (hits []string) {
	k.s.t.Helper()
	hits = k.s.holds(words...)
	if k.url == "" {
		return hits
	}
	dump := k.s.dump(k.url)
	for _, w := range words {
		if strings.Contains(dump, strings.ToLower(w)) {
			hits = append(hits, "database: "+w)
		}
	}
	return hits
}

func (k keeper) stop() {
	k.s.t.Helper()
	if err := k.s.Stop(); err != nil {
		k.s.t.Fatal(err)
	}
}

// TestABackupBringsNothingBack deletes an agent and puts a backup back that has it: beside the ledger it is erased again, and without the ledger
// nobody can read what callers said.
func TestABackupBringsNothingBack(t *testing.T) {
	NeedModels(t)
	Need(t, "pg_dump", "psql")
	for name, postgres := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opts []Option
			k := keeper{dir: t.TempDir()}
			if postgres {
				k.url = pgtest.Start(t).Database(t)
				opts = append(opts, Env("PARLEY_DATABASE="+k.url))
			}
			k.s = Start(t, opts...)
			k.bringsNothingBack()
		})
	}
}

func (k keeper) bringsNothingBack() {
	s := k.s
	s.t.Helper()
	agent := s.Clinic(nil)
	if _, code := s.Call(Number, "--say", "My rhinoceros lost an umbrella in Amsterdam."); code != 0 {
		s.t.Errorf("exit code %d", code)
	}
	c := s.lastCall()
	call := "/api/v1/calls/" + c["id"].(string)
	s.transcribed(c)
	if len(s.recording(c, "")) < 10000 {
		s.t.Error("there is no recording: looking for it afterwards shows nothing")
	}
	k.stop()
	k.save()
	s.Boot()

	receipt := s.erase(agent)
	if hits := k.left(secrets...); len(hits) > 0 {
		s.t.Errorf("left behind: %v", hits)
	}
	s.verifiedElsewhere(receipt)
	k.stop()

	k.restore()
	if hits := k.left(open...); len(hits) == 0 {
		s.t.Fatal("the backup does not bring back what stands in it in the clear: what follows shows nothing")
	}
	s.Boot()
	if status, _ := s.Do("GET", "/api/v1/agents/"+agent, nil); status != http.StatusNotFound {
		s.t.Errorf("the agent out of the backup answers %d", status)
	}
	s.erased(s.erasureOf(agent))
	if hits := append(k.left(secrets...), s.files(".wav")...); len(hits) > 0 {
		s.t.Errorf("left of the backup: %v", hits)
	}
	k.stop()

	k.oldLedger()
	if out, err := s.refused(); err == nil || !strings.Contains(out, "older than the database") {
		s.t.Errorf("with a ledger that lacks an erasure: %v, %s", err, out)
	}

	k.restore()
	s.Boot() // nothing knows of the deletion any more
	s.Must("GET", "/api/v1/agents/"+agent, nil)
	for _, turn := range turns(s.Must("GET", call, nil)) {
		if text := turn.(JSON)["text"]; text != "" {
			s.t.Errorf("a turn can be read without its key: %q", text)
		}
	}
	if len(s.files(".wav")) != 1 {
		s.t.Error("the recording is not back: that it cannot be read shows nothing")
	}
	if status, _ := s.Do("GET", call+"/recording", nil); status != http.StatusNotFound {
		s.t.Errorf("the recording whose key is gone answers %d", status)
	}
	if hits := k.left(spoken...); len(hits) > 0 {
		s.t.Errorf("what callers said stands in a backup in the clear: %v", hits)
	}
}

// erasureOf is the newest erasure of an agent.
func (s *Server) erasureOf(agent string) string {
	s.t.Helper()
	_, v := s.Do("GET", "/api/v1/erasures?agent_id="+agent, nil)
	list, _ := v["data"].([]any)
	if len(list) == 0 {
		s.t.Fatalf("no erasure of the agent: %v", v)
	}
	return list[0].(JSON)["id"].(string)
}

// verifiedElsewhere checks a receipt with nothing but itself and the public keys.
func (s *Server) verifiedElsewhere(receipt JSON) {
	s.t.Helper()
	res, err := http.Get("http://" + s.HTTP + "/.well-known/jwks.json")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	dir := s.t.TempDir()
	keys, err := os.Create(filepath.Join(dir, "keys.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(receipt)
	if _, copied := keys.ReadFrom(res.Body); copied != nil || err != nil || keys.Close() != nil {
		s.t.Fatal(copied, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "receipt.json"), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(Binary(s.t), "erasure", "verify", "receipt.json", "--keys", "keys.json")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), receipt["id"].(string)) {
		s.t.Errorf("verify: %v\n%s", err, out)
	}
}

// refused runs the server on a data directory that it does not start on.
func (s *Server) refused() (out string, err error) {
	cmd := exec.Command(Binary(s.t), "serve", "--data", s.Data, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), s.env...)
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	b, err := cmd.CombinedOutput()
	return string(b), err
}
