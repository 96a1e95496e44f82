package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/nyaruka/phonenumbers"
)

var ready = regexp.MustCompile(`^ready http=(\S+) sip=(\S+)$`)

// server is a running `parley serve` on a data directory of its own, and a token for its API.
type server struct {
	binary, data, log string
	diary             *diary
	http, sip, token  string

	cmd  *exec.Cmd
	done chan error
}

// boot starts the server on free loopback ports and makes a token.
func boot(ctx context.Context, binary string) (*server, error) {
	dir, err := os.MkdirTemp("", "parley-demo-")
	if err != nil {
		return nil, err
	}
	s := &server{binary: binary, data: filepath.Join(dir, "data"), log: filepath.Join(dir, "serve.log"), done: make(chan error, 1)}
	if s.diary, err = openDiary(); err != nil {
		return s, err
	}
	if err := s.start(); err != nil {
		return s, err
	}
	out, err := exec.CommandContext(ctx, binary, "token", "create", "--data", s.data, "--environment", "demo").Output()
	if err != nil {
		return s, fmt.Errorf("token create: %w", err)
	}
	s.token = strings.TrimSpace(string(out))
	return s, nil
}

func (s *server) start() error {
	logFile, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer logFile.Close()
	s.cmd = exec.Command(s.binary, "serve", "--data", s.data, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0")
	s.cmd.Stderr = logFile
	s.cmd.Env = append(os.Environ(), "PARLEY_API_RATE_LIMIT=10000", // the conversation is watched four times a second
		"PARLEY_EGRESS_ALLOW=127.0.0.0/8") // where the diary is; no public server lets its users reach loopback
	// A ^C is for the demo, which then ends the server in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			s.http, s.sip = m[1], m[2]
			go func() {
				_, _ = io.Copy(io.Discard, out)
				s.done <- s.cmd.Wait()
			}()
			return nil
		}
	}
	err = s.cmd.Wait()
	s.cmd = nil
	log, _ := os.ReadFile(s.log)
	return fmt.Errorf("the server ended before it was ready (%w):\n%s", err, log)
}

// stop ends the server and removes what it kept.
func (s *server) stop() error {
	var err error
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-s.done:
		case <-time.After(45 * time.Second):
			_ = s.cmd.Process.Kill()
			err = errors.New("the server did not end within 45 s of SIGTERM")
		}
	}
	if s.diary != nil {
		s.diary.close()
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(s.data)))
}

type object = map[string]any

// ask sends one request and returns the whole answer; any status but 2xx is an error.
func (s *server) ask(ctx context.Context, method, path string, body any) (object, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.http+path, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s\n%s", method, path, res.Status, raw)
	}
	var v object
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return v, nil
}

// data is ask for the object under "data".
func (s *server) get(ctx context.Context, method, path string, body any) (object, error) {
	v, err := s.ask(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	d, _ := v["data"].(object)
	return d, nil
}

// register makes a trunk with the business's number and returns the number's id.
func (s *server) register(ctx context.Context, b *business) (string, error) {
	trunk, err := s.get(ctx, "POST", "/api/v1/sip-trunks", object{
		"name": "Loopback", "provider_name": "demo", "domain": "127.0.0.1", "port": 5060, "username": "demo", "password": "demo", "transport": "udp",
	})
	if err != nil {
		return "", err
	}
	did, err := s.get(ctx, "POST", fmt.Sprintf("/api/v1/sip-trunks/%v/dids", trunk["id"]), object{"number": b.Number, "country_code": country(b.Number)})
	return fmt.Sprint(did["id"]), err
}

// publish makes the agent with its trainings, actions and a voice, attached to a number, and publishes it. It returns the agent's id.
func (s *server) publish(ctx context.Context, b *business, did string) (string, error) {
	body := object{}
	for k, v := range b.Agent {
		body[k] = v
	}
	body["phone_number_ids"] = []string{did}
	agent, err := s.get(ctx, "POST", "/api/v1/agents", body)
	if err != nil {
		return "", err
	}
	id := fmt.Sprint(agent["id"])
	for _, t := range b.Trainings {
		if _, err := s.get(ctx, "POST", "/api/v1/agents/"+id+"/trainings", t); err != nil {
			return id, err
		}
	}
	for _, a := range b.asks(s.diary.url) {
		if _, err := s.get(ctx, "POST", "/api/v1/agents/"+id+"/actions", a); err != nil {
			return id, err
		}
	}
	if err := s.giveVoice(ctx, id, body); err != nil {
		return id, err
	}
	_, err = s.get(ctx, "POST", "/api/v1/agents/"+id+"/publish", nil)
	return id, err
}

// country is the one that a number belongs to.
func country(number string) string {
	if n, err := phonenumbers.Parse(number, ""); err == nil {
		if region := phonenumbers.GetRegionCodeForNumber(n); region != "" {
			return region
		}
	}
	return "US"
}

// giveVoice takes the first voice for the agent's language.
func (s *server) giveVoice(ctx context.Context, id string, agent object) error {
	v, err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/voice-templates?language=%v", agent["language"]), nil)
	if err != nil {
		return err
	}
	groups, _ := v["data"].([]any)
	for _, g := range groups {
		voices, _ := g.(object)["voices"].([]any)
		if len(voices) == 0 {
			continue
		}
		_, err := s.get(ctx, "PUT", "/api/v1/agents/"+id+"/voice", object{
			"voice_id": voices[0].(object)["id"], "conversation_speed": agent["conversation_speed"], "who_speaks_first": agent["who_speaks_first"],
		})
		return err
	}
	return fmt.Errorf("there is no voice for %v", agent["language"])
}
