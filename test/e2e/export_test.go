package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

// order is a deletion with export.
type order struct {
	s                   *Server
	erasure, url, token string
}

// deleteWithExport deletes an agent by force, with an export.
func (s *Server) deleteWithExport(agent string) order {
	s.t.Helper()
	status, v := s.Do("DELETE", "/api/v1/agents/"+agent+"?force=true", nil, "Parley-Export", "true")
	data, _ := v["data"].(JSON)
	export, _ := data["export"].(JSON)
	token, _ := export["token"].(string)
	if status != http.StatusOK || token == "" {
		s.t.Fatalf("DELETE answers %d, %v", status, v)
	}
	return order{s, data["erasure_id"].(string), export["url"].(string), token}
}

func (o order) receipt() JSON {
	o.s.t.Helper()
	return o.s.Must("GET", "/api/v1/erasures/"+o.erasure, nil)
}

// packed waits until the archive can be fetched and returns what the receipt says of it.
func (o order) packed() (export JSON) {
	o.s.t.Helper()
	o.s.Wait("the archive is ready", time.Minute, func() bool {
		export = o.receipt()["export"].(JSON)
		if export["state"] == "failed" {
			o.s.t.Fatalf("the export failed: %v", export["fault"])
		}
		return export["state"] == "ready"
	})
	return export
}

// erasedBut waits until nothing is left but the archive.
func (o order) erasedBut() {
	o.s.t.Helper()
	o.s.Wait("all but the archive is erased", time.Minute, func() bool {
		var left []string
		for _, p := range o.receipt()["places"].([]any) {
			if p := p.(JSON); p["state"] != "complete" {
				left = append(left, p["name"].(string))
			}
		}
		return len(left) == 1 && left[0] == "exports"
	})
}

// get asks for the archive by a token.
func (o order) get(token string) (status int, body []byte) {
	o.s.t.Helper()
	req, err := http.NewRequest("GET", "http://"+o.s.HTTP+"/api/v1/erasures/"+o.erasure+"/export", nil) // the port is another after a restart
	if err != nil {
		o.s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		o.s.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		o.s.t.Fatal(err)
	}
	return res.StatusCode, body
}

// unpacked fetches the archive, unpacks it with tar, checks it with sha256sum, and returns the directory.
func (o order) unpacked() (dir string) {
	o.s.t.Helper()
	status, body := o.get(o.token)
	if status != http.StatusOK {
		o.s.t.Fatalf("the archive answers %d %s", status, body)
	}
	dir = o.s.t.TempDir()
	file := filepath.Join(dir, "agent.tar")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		o.s.t.Fatal(err)
	}
	for _, command := range []string{"tar xf agent.tar", "sha256sum --check --quiet --strict manifest.sha256"} {
		words := strings.Fields(command)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			o.s.t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	return dir
}

// end removes the archive and waits for the receipt.
func (o order) end() {
	o.s.t.Helper()
	o.s.Must("DELETE", "/api/v1/erasures/"+o.erasure+"/export", nil)
	if left := append(o.s.files("archive.tar"), o.s.files(o.erasure+".key")...); len(left) > 0 {
		o.s.t.Errorf("left of the archive: %v", left)
	}
	if status, _ := o.get(o.token); status != http.StatusGone {
		o.s.t.Errorf("the archive that was removed answers %d", status)
	}
	o.s.erased(o.erasure)
}

func TestACallIsExportedAsTheAPIGaveItThenErased(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	s := Start(t)
	agent := s.Clinic(nil)
	p := s.Dial(Number, "--say", "How much does a cleaning cost?", "--say", "My rhinoceros lost an umbrella in Amsterdam.")
	if _, code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c := s.lastCall()
	s.transcribed(c)
	sound := s.recording(c, "")
	up := s.Dial(Number, "--say", "Are you still there?")
	up.Until(me, 500*time.Millisecond)
	o := s.deleteWithExport(agent)
	up.Wait()
	if status, _ := s.Do("GET", "/api/v1/agents/"+agent, nil); status != http.StatusNotFound {
		t.Errorf("the agent answers %d once it is deleted", status)
	}
	for o.receipt()["state"] == "exporting" {
		if hits := s.holds(spoken...); len(hits) > 0 {
			t.Fatalf("in the clear during the export: %v", hits)
		}
	}
	export := o.packed()
	o.erasedBut()
	if hits := s.holds(secrets...); len(hits) > 0 {
		t.Errorf("in the clear while the archive can be fetched: %v", hits)
	}
	if status, _ := o.get(s.Token); status != http.StatusNotFound {
		t.Errorf("by the environment's token the archive answers %d", status)
	}
	dir := o.unpacked()
	if export["calls"] != 2.0 || export["recordings"] != 2.0 {
		t.Errorf("export %v", export)
	}
	sameCall(t, dir, c, sound)
	o.end()
	if hits := s.holds(secrets...); len(hits) > 0 {
		t.Errorf("left behind: %v", hits)
	}
}

// sameCall holds a call of an unpacked archive against what the API gave.
func sameCall(t *testing.T, dir string, c JSON, sound []byte) {
	t.Helper()
	id := c["id"].(string)
	text, err := os.ReadFile(filepath.Join(dir, "calls", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var packed JSON
	if err := json.Unmarshal(text, &packed); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"id", "agent_id", "sid", "to", "from", "status", "ended_reason", "quality", "messages"} {
		if fmt.Sprint(packed[field]) != fmt.Sprint(c[field]) {
			t.Errorf("%s is %v, and the API gave %v", field, packed[field], c[field])
		}
	}
	if len(turns(packed)) != len(turns(c)) {
		t.Fatalf("%d turns, and the API gave %d", len(turns(packed)), len(turns(c)))
	}
	for i, turn := range turns(packed) {
		for _, field := range []string{"id", "who", "text", "heard", "interrupted", "reply_to"} {
			if got, want := turn.(JSON)[field], turns(c)[i].(JSON)[field]; got != want {
				t.Errorf("%s of turn %d is %v, and the API gave %v", field, i, got, want)
			}
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, packed["recording"].(string))); err != nil || string(b) != string(sound) {
		t.Errorf("a recording of %d bytes, %v, and the API gave %d", len(b), err, len(sound))
	}
}

func TestAnExportOutlivesKills(t *testing.T) {
	NeedModels(t)
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opts []Option
			url := ""
			if name == "PostgreSQL" {
				url = pgtest.Start(t).Database(t)
				opts = append(opts, Env("PARLEY_DATABASE="+url))
			}
			exportKilled(t, Start(t, opts...), url)
		})
	}
}

func exportKilled(t *testing.T, s *Server, url string) {
	agent := s.Agent(nil, s.DID(s.Trunk("127.0.0.1", 5999, nil), Number))
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	b := &bulk{t: t, data: s.Data, url: url, agent: agent, calls: 150 + templates, recordings: 150} // none is copied: copies cannot be opened
	rows := b.fill()
	s.Boot()
	o := s.deleteWithExport(agent)
	for kill := range 2 { // while it is packed
		s.Wait("the archive has begun, or is ready", time.Minute, func() bool {
			return len(s.files("archive.tar")) > 0 || o.receipt()["state"] != "exporting"
		})
		time.Sleep(time.Duration(kill) * 100 * time.Millisecond)
		t.Logf("killed while %v", o.receipt()["state"])
		s.Kill()
		s.Boot()
	}
	export := o.packed()
	s.Kill() // while it is erased
	s.Boot()
	o.erasedBut()
	s.Kill() // while the archive can be fetched
	s.Boot()
	dir := o.unpacked()
	packed, err1 := filepath.Glob(dir + "/calls/*.json")
	sounds, err2 := filepath.Glob(dir + "/recordings/*.wav")
	if len(packed) != rows["calls"] || len(sounds) != b.recordings || export["calls"] != float64(rows["calls"]) || err1 != nil || err2 != nil {
		t.Errorf("%d calls and %d recordings are packed, of %d and %d; the receipt says %v", len(packed), len(sounds), rows["calls"], b.recordings, export)
	}
	o.end()
	for _, p := range o.receipt()["places"].([]any) {
		if p := p.(JSON); p["name"] == "calls" && p["count"] != float64(rows["calls"]) {
			t.Errorf("%v calls were erased, of %d", p["count"], rows["calls"])
		}
	}
}

func TestAnExportOnAFullDiskErasesNothing(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	data := t.TempDir()
	smallDisk(t, filepath.Join(data, "exports"), "256k")
	s := Start(t, Data(data))
	agent := s.Clinic(nil)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	b := &bulk{t: t, data: s.Data, agent: agent, calls: 10, recordings: 5}
	rows := b.fill()
	s.Boot()
	room := s.Must("GET", "/api/v1/agents/"+agent+"/deletion-preview", nil)["export"].(JSON)
	if room["possible"] != false || room["bytes"].(float64) < 1e6 {
		t.Errorf("preview %v", room)
	}
	o := s.deleteWithExport(agent)
	var receipt JSON
	s.Wait("the export has failed", 30*time.Second, func() bool { receipt = o.receipt(); return receipt["state"] == "failed" })
	if fault := receipt["export"].(JSON)["fault"]; fault != "there is not enough room on the disk" {
		t.Errorf("receipt %v", receipt)
	}
	if a := s.Must("GET", "/api/v1/agents/"+agent, nil); a["current_status"] != "published" {
		t.Errorf("the agent is %v", a)
	}
	_, calls := s.Do("GET", "/api/v1/calls?per_page=1", nil)
	if total := calls["pagination"].(JSON)["total"]; total != float64(rows["calls"]) {
		t.Errorf("%v calls, of %d", total, rows["calls"])
	}
	s.erase(agent)
}
