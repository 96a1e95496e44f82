package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaultsAreValid(t *testing.T) {
	c, err := Load("", nil, nil)
	if err != nil || !reflect.DeepEqual(c.SIPAccept, []string{"trunks", "loopback"}) || c.Engine != LocalEngine {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	path := write(t, "http: 127.0.0.1:1\nsip: 127.0.0.1:1\napi:\n  rate_limit: 5\ncalls:\n  max_duration: 90s\n  outbound_prefixes: ['+44', '+1']\n")
	c, err := Load(path, []string{"PARLEY_SIP=127.0.0.1:2", "PARLEY_HTTP=127.0.0.1:2", "PARLEY_EGRESS_ALLOW=10.0.0.0/8, 127.0.0.1"},
		map[string]string{"http": "127.0.0.1:3"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP != "127.0.0.1:3" || c.SIP != "127.0.0.1:2" || c.APIRate != 5 || time.Duration(c.CallsDuration) != 90*time.Second {
		t.Errorf("%+v", c)
	}
	if got := c.EgressAllow(); len(got) != 2 || got[1].String() != "127.0.0.1/32" {
		t.Errorf("egress.allow %v", got)
	}
	if len(c.CallsPrefixes) != 2 {
		t.Errorf("prefixes %v", c.CallsPrefixes)
	}
}

func TestEnginesComeFromTheFile(t *testing.T) {
	c, err := Load(write(t, "engine: ollama\nengines:\n  ollama:\n    base_url: http://127.0.0.1:11434/v1\n    model: llama3.1\n"), nil, nil)
	if err != nil || c.Engines["ollama"].Model != "llama3.1" || c.Engine != "ollama" {
		t.Errorf("%+v, %v", c.Engines, err)
	}
}

func TestAllFaultsAreReportedByTheirKeys(t *testing.T) {
	path := write(t, "htp: 1\nhttp: nowhere\nengine: gone\nlog:\n  level: loud\n")
	_, err := Load(path, []string{"PARLEY_RTP_PORTS=9-3", "PARLEY_SIP_ACCEPT=friends", "PARLEY_EXTERNAL_IP=0.0.0.0", "PARLEY_SIP_USERS=bob",
		"PARLEY_API_RATE_LIMIT=0", "PARLEY_LLM_BASE_URL=ftp://x", "PARLEY_SIP_TLS_CERT=a.pem", "PARLEY_SIP_SESSION_EXPIRES=89s"}, nil)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{"htp:", "http:", "engine:", "log.level:", "rtp_ports:", "sip.accept:", "external_ip:", "sip.users:", "api.rate_limit:",
		"llm.base_url:", "llm.model:", "sip.tls", "sip.session_expires:"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("no fault of %s in\n%v", key, err)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	c, err := Load("", []string{"PARLEY_LLM_API_KEY=sk-secret", "PARLEY_SIP_USERS=bob:hunter2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Settings() {
		if v := s.Value(c); strings.Contains(v, "secret") || strings.Contains(v, "hunter2") {
			t.Errorf("%s shows %q", s.Key, v)
		}
		if s.Doc == "" {
			t.Errorf("%s has no meaning", s.Key)
		}
	}
}
