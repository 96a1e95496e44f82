// Package config turns flags, environment variables and a file into one value. Defaults stand in one function, all faults are
// reported at once, each by the key that the operator wrote.
package config

import (
	"net/netip"
	"time"
)

// Config is every setting of a server. Each has a key (in the file, YAML), an environment variable (PARLEY_ and the key in capitals
// with underscores) and, where doc says so, a flag.
type Config struct {
	Data       string `koanf:"data" doc:"directory of everything that is kept"`
	HTTP       string `koanf:"http" doc:"address of the REST API and the WebSocket transport, HOST:PORT; port 0 picks a free one"`
	SIP        string `koanf:"sip" doc:"address of SIP over UDP and TCP, HOST:PORT; port 0 picks a free one"`
	ExternalIP string `koanf:"external_ip" doc:"address written in SDP, Contact and Via; empty or auto takes the local address of the route to the peer"`
	Database   string `koanf:"database" secret:"url" doc:"PostgreSQL URL; empty keeps SQLite in the data directory"`
	RTPPorts   string `koanf:"rtp_ports" doc:"UDP ports for media, A-B; empty takes any free ones"`
	Models     string `koanf:"models" doc:"directory of the speech models; empty takes the user's cache"`
	MasterKey  string `koanf:"master_key" secret:"all" doc:"seals secrets: 32 bytes in hex or base64, or hashivault://KEY of Vault; empty takes DIR/master.key"`

	APIRate   int      `koanf:"api.rate_limit" doc:"requests a minute and token"`
	PublicURL string   `koanf:"http.public_url" doc:"how clients reach the API, such as https://voice.example.com; used in links; empty takes the request's host"`
	Egress    []string `koanf:"egress.allow" doc:"networks that user-configured requests, trunks and media may reach beyond public ones"`

	LogLevel string   `koanf:"log.level" doc:"debug, info, warn or error"`
	LogPII   string   `koanf:"log.pii" doc:"file for log lines with what callers said and dialled; empty drops that part; erased with the agent"`
	PIIFor   Duration `koanf:"log.pii_for" doc:"how long lines stay in that file, at most"`

	Ledger    string   `koanf:"erasure.ledger" doc:"file of what was erased, kept outside of database and backups; empty takes DIR/erasures.ledger"`
	Keys      string   `koanf:"erasure.keys" doc:"directory of the keys that seal each agent's transcripts and recordings; nodes of one database share it; empty takes DIR/keys"`
	ExportFor Duration `koanf:"erasure.export_for" doc:"how long the archive of a deletion with export can be fetched"`

	LedgerCopy string `koanf:"erasure.ledger_copy" doc:"second copy of it, on another disk; empty for none"`
	// KeysBackup, BackupsFor and ProvidersKeep are what the operator states and receipts repeat.
	KeysBackup    string   `koanf:"erasure.keys_backup" doc:"none, or how long backups of the agents' keys live, at most 168h; only then receipts say that backups cannot be read"`
	BackupsFor    Duration `koanf:"erasure.backups_for" doc:"how long backups of database and recordings live; receipts name it; 0s states nothing"`
	ProvidersKeep []string `koanf:"erasure.providers_keep" doc:"how long model providers keep what they are sent, such as api.example.com=30 days; receipts name it"`

	SIPAccept []string `koanf:"sip.accept" doc:"who may call: trunks, loopback, users, any, or networks such as 192.0.2.0/24"`
	SIPUsers  []string `koanf:"sip.users" secret:"all" doc:"user:password pairs that may call with digest credentials"`
	SIPTLS    string   `koanf:"sip.tls.listen" doc:"address of SIP over TLS, HOST:PORT; empty for none"`
	SIPCert   string   `koanf:"sip.tls.cert" doc:"certificate file (PEM)"`
	SIPKey    string   `koanf:"sip.tls.key" doc:"key file (PEM)"`
	SIPCodecs []string `koanf:"sip.codecs" doc:"codecs that may be used, in the order they are offered: opus, g722, pcmu, pcma; empty for all"`
	// SIPClientCA and SIPClientCert are about the certificates of those who connect.
	SIPClientCA   string `koanf:"sip.tls.client_ca" doc:"file of authorities (PEM) whose client certificates SIP over TLS asks for; empty asks for none"`
	SIPClientCert string `koanf:"sip.tls.client_cert" doc:"required, or optional: verified if one is shown; with sip.tls.client_ca"`

	SIPDigest   []string `koanf:"sip.digest" doc:"algorithms of challenges to callers, the preferred one first: md5, sha-256"`
	SIPScanners []string `koanf:"sip.scanners" doc:"parts of User-Agent, in any case, whose requests get no answer"`

	SIPRing    Duration `koanf:"sip.ring_timeout" doc:"how long an outbound call may ring"`
	SIPSession Duration `koanf:"sip.session_expires" doc:"how long a call lasts without a refresh, as offered to the other side (RFC 4028); 0s offers none"`
	SIPRel     string   `koanf:"sip.reliable" doc:"provisional responses with PRACK: required (if the caller requires it), supported (if it can), or never"`
	SIPMusic   string   `koanf:"sip.hold_music" doc:"WAV file that callers hear while we hold them; empty is silence"`
	SIPCheck   Duration `koanf:"sip.trunk_check" doc:"how often an active trunk is asked by OPTIONS whether it is there; 0s never asks"`
	SIPRefer   string   `koanf:"sip.refer" doc:"REFER from callers, who ask us to call somebody: refuse, or accept from trunks and known networks"`
	SIPSRTP    string   `koanf:"sip.srtp" doc:"encrypted sound: off, accept where it is offered, or require"`
	SIPKeys    bool     `koanf:"sip.srtp_keys_in_clear" doc:"take and give SRTP keys in SDP also over UDP and TCP, where anybody on the way can read them"`
	SIPNoise   bool     `koanf:"sip.comfort_noise" doc:"send comfort noise packets instead of silence to phones that offer them (RFC 3389)"`
	SIPTrace   bool     `koanf:"sip.trace" doc:"keep the SIP messages of each call, to be read through the API; erased with the agent"`
	RTPSilent  Duration `koanf:"rtp.timeout" doc:"a call that brings no packet for so long has ended"`

	CallsMax      int      `koanf:"calls.max" doc:"live calls of this process; 0 does not limit"`
	CallsPerEnv   int      `koanf:"calls.max_per_environment" doc:"open calls of an environment; 0 does not limit"`
	CallsDuration Duration `koanf:"calls.max_duration" doc:"longest call"`
	CallsPrefixes []string `koanf:"calls.outbound_prefixes" doc:"prefixes that agents may call, such as +44; empty allows the countries of the trunk's numbers"`
	Drain         Duration `koanf:"calls.drain" doc:"how long calls may go on after SIGTERM"`

	PriceCurrency      string   `koanf:"pricing.currency" doc:"currency of all prices, ISO 4217"`
	PriceVoice         []string `koanf:"pricing.voice" doc:"price of a minute of speech by tier (basic, pro, ultra, beta, high_fidelity), such as basic=0.01,ultra=0.05"`
	PriceTranscription float64  `koanf:"pricing.transcription" doc:"price of a minute of recognition"`
	PriceInput         float64  `koanf:"pricing.llm_input" doc:"price of a thousand tokens that the language model reads"`
	PriceOutput        float64  `koanf:"pricing.llm_output" doc:"price of a thousand tokens that it writes"`
	PriceOutbound      []string `koanf:"pricing.outbound" doc:"price of a minute of calls out by country of the agent's number, such as US=0.01,*=0.05"`
	PriceInbound       []string `koanf:"pricing.inbound" doc:"price of a minute of calls in, likewise"`

	Workers int    `koanf:"speech.workers" doc:"worker processes for speech; one more stands by"`
	Engine  string `koanf:"engine" doc:"engine of agents that name none: local, or a name under engines"`
	LLMURL  string `koanf:"llm.base_url" doc:"an OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1; makes it the default model"`
	LLMName string `koanf:"llm.model" doc:"name of the model at that endpoint"`
	LLMKey  string `koanf:"llm.api_key" secret:"all" doc:"its key"`

	// Engines are named models; only the file can hold them.
	Engines map[string]Engine `koanf:"-"`
}

// Engine is a named language model behind an OpenAI-compatible endpoint.
type Engine struct {
	BaseURL   string   `koanf:"base_url"`
	Model     string   `koanf:"model"`
	APIKey    string   `koanf:"api_key"`
	Languages []string `koanf:"languages"` // BCP 47; empty for any
}

// LocalEngine is the name of the engine that needs no network.
const LocalEngine = "local"

// Duration is a time.Duration that is written as in Go, "30s".
type Duration time.Duration

// UnmarshalText reads "90s", "1h30m".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string { return time.Duration(d).String() }

// Default is every setting that nobody has changed.
func Default() Config {
	return Config{
		Data: "data", HTTP: "127.0.0.1:8080", SIP: "0.0.0.0:5060", APIRate: 1000, LogLevel: "info",
		SIPDigest: []string{"md5"}, SIPScanners: defaultScanners(), SIPClientCert: ClientCertRequired,
		SIPAccept: []string{"trunks", "loopback"}, SIPRing: Duration(time.Minute), SIPSession: Duration(30 * time.Minute), SIPRefer: "refuse",
		SIPRel: "required", SIPCheck: Duration(time.Minute),
		RTPSilent:     Duration(30 * time.Second),
		CallsDuration: Duration(time.Hour), Drain: Duration(30 * time.Second), ExportFor: Duration(24 * time.Hour),
		PIIFor:        Duration(72 * time.Hour),
		PriceCurrency: "USD", Workers: 1, Engine: LocalEngine,
		SIPTrace: true, SIPSRTP: "accept",
	}
}

// Values of sip.tls.client_cert.
const (
	ClientCertRequired = "required"
	ClientCertOptional = "optional"
)

// defaultScanners are programs that look for telephones to abuse, as they name themselves.
func defaultScanners() []string {
	return []string{
		"friendly-scanner", "friendly-request", "sipvicious", "sipcli", "sundayddr", "sip-scan", "sipscan", "iwar", "vaxsipuseragent", "vaxasip",
		"pplsip", "smap", "siparmyknife", "sivus", "nmap", "masscan", "zgrab",
	}
}

// Accept is sip.accept, understood.
type Accept struct {
	Any, Trunks, Loopback, Users bool
	Networks                     []netip.Prefix
}
