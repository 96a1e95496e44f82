package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

// Check reports everything that is wrong with c, each by its key.
func (c *Config) Check() error {
	var errs []error
	bad := func(key, format string, args ...any) { errs = append(errs, fmt.Errorf(key+": "+format, args...)) }
	for key, addr := range map[string]string{"http": c.HTTP, "sip": c.SIP, "sip.tls.listen": c.SIPTLS} {
		if key == "sip.tls.listen" && addr == "" {
			continue
		}
		if err := hostPort(addr); err != nil {
			bad(key, "%v", err)
		}
	}
	if c.Data == "" {
		bad("data", "name a directory")
	}
	if _, err := c.External(); err != nil {
		bad("external_ip", "%v", err)
	}
	if _, err := c.Ports(); err != nil {
		bad("rtp_ports", "%v", err)
	}
	if _, err := networks(c.Egress); err != nil {
		bad("egress.allow", "%v", err)
	}
	if _, err := c.Accept(); err != nil {
		bad("sip.accept", "%v", err)
	}
	if _, err := c.Users(); err != nil {
		bad("sip.users", "%v", err)
	}
	for _, name := range c.SIPCodecs {
		if !slices.Contains(codecs, strings.ToLower(name)) {
			bad("sip.codecs", "%q is none of %s", name, strings.Join(codecs, ", "))
		}
	}
	if c.SIPRel != "required" && c.SIPRel != "supported" && c.SIPRel != "never" {
		bad("sip.reliable", "%q is none of required, supported, never", c.SIPRel)
	}
	if c.SIPRefer != "refuse" && c.SIPRefer != "accept" {
		bad("sip.refer", "%q is neither refuse nor accept", c.SIPRefer)
	}
	if _, err := c.Digest(); err != nil {
		bad("sip.digest", "%v", err)
	}
	if !slices.Contains([]string{"off", "accept", "require"}, c.SIPSRTP) {
		bad("sip.srtp", "%q is none of off, accept, require", c.SIPSRTP)
	}
	errs = append(errs, c.checkNumbers(), c.checkTLS(), c.checkModels(), c.checkPrices())
	return errors.Join(errs...)
}

// codecs are what sip.codecs may name.
var codecs = []string{"opus", "g722", "pcmu", "pcma"}

func (c *Config) checkNumbers() error {
	var errs []error
	for key, v := range map[string]int{"api.rate_limit": c.APIRate, "speech.workers": c.Workers} {
		if v < 1 {
			errs = append(errs, fmt.Errorf("%s: %d is below 1", key, v))
		}
	}
	for key, v := range map[string]int{"calls.max": c.CallsMax, "calls.max_per_environment": c.CallsPerEnv} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is below 0", key, v))
		}
	}
	if d := time.Duration(c.SIPSession); d != 0 && d < 90*time.Second {
		errs = append(errs, fmt.Errorf("sip.session_expires: %s is below 90s (RFC 4028 §5)", d))
	}
	if d := time.Duration(c.SIPCheck); d != 0 && d < 5*time.Second {
		errs = append(errs, fmt.Errorf("sip.trunk_check: %s is below 5s", d))
	}
	for key, d := range map[string]Duration{
		"sip.ring_timeout": c.SIPRing, "rtp.timeout": c.RTPSilent, "calls.max_duration": c.CallsDuration, "erasure.export_for": c.ExportFor,
		"log.pii_for": c.PIIFor,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: %s is not above zero", key, d))
		}
	}
	if c.BackupsFor < 0 {
		errs = append(errs, fmt.Errorf("erasure.backups_for: %s is below zero", c.BackupsFor))
	}
	if _, _, err := c.KeysBackedUp(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.Keepers(); err != nil {
		errs = append(errs, err)
	}
	if c.Drain < 0 {
		errs = append(errs, fmt.Errorf("calls.drain: %s is below zero", c.Drain))
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		errs = append(errs, fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.LogLevel))
	}
	return errors.Join(errs...)
}

func (c *Config) checkTLS() error {
	if (c.SIPCert == "") != (c.SIPKey == "") || c.SIPTLS != "" && c.SIPCert == "" {
		return errors.New("sip.tls.listen, sip.tls.cert and sip.tls.key: TLS needs both files")
	}
	if c.SIPClientCert != ClientCertRequired && c.SIPClientCert != ClientCertOptional {
		return fmt.Errorf("sip.tls.client_cert: %q is neither %s nor %s", c.SIPClientCert, ClientCertRequired, ClientCertOptional)
	}
	return nil
}

// Digest is sip.digest, by the names that stand in challenges.
func (c *Config) Digest() (names []string, err error) {
	for _, s := range c.SIPDigest {
		name := strings.ToUpper(s)
		if name != parley.DigestMD5 && name != parley.DigestSHA256 {
			return nil, fmt.Errorf("%q is neither md5 nor sha-256", s)
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("%q stands there twice", s)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, errors.New("name at least one of md5, sha-256")
	}
	return names, nil
}

// Scanners is sip.scanners in small letters.
func (c *Config) Scanners() (names []string) {
	for _, s := range c.SIPScanners {
		names = append(names, strings.ToLower(s))
	}
	return names
}

func (c *Config) checkModels() error {
	var errs []error
	if c.LLMURL != "" {
		errs = append(errs, endpoint("llm.base_url", c.LLMURL))
		if c.LLMName == "" {
			errs = append(errs, errors.New("llm.model: name the model at llm.base_url"))
		}
	}
	for name, e := range c.Engines {
		errs = append(errs, endpoint("engines."+name+".base_url", e.BaseURL))
		if e.Model == "" {
			errs = append(errs, fmt.Errorf("engines.%s.model: name the model", name))
		}
		if name == LocalEngine {
			errs = append(errs, fmt.Errorf("engines.%s: this name is taken by the engine that comes with Parley", name))
		}
	}
	if _, ok := c.Engines[c.Engine]; !ok && c.Engine != LocalEngine {
		errs = append(errs, fmt.Errorf("engine: there is no %q under engines", c.Engine))
	}
	return errors.Join(errs...)
}

func (c *Config) checkPrices() error {
	var errs []error
	for key, v := range map[string]float64{"pricing.transcription": c.PriceTranscription, "pricing.llm_input": c.PriceInput, "pricing.llm_output": c.PriceOutput} {
		if !(v >= 0 && v < maxPrice) {
			errs = append(errs, fmt.Errorf("%s: %v is no price", key, v))
		}
	}
	for key, list := range map[string][]string{"pricing.voice": c.PriceVoice, "pricing.outbound": c.PriceOutbound, "pricing.inbound": c.PriceInbound} {
		if _, err := Prices(list); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	if len(c.PriceCurrency) != 3 {
		errs = append(errs, fmt.Errorf("pricing.currency: %q is no code of three letters", c.PriceCurrency))
	}
	return errors.Join(errs...)
}

// maxPrice is where a price is surely a mistake.
const maxPrice = 1e6

// Prices reads a list of NAME=PRICE.
func Prices(list []string) (map[string]float64, error) {
	out := map[string]float64{}
	for _, s := range list {
		name, price, ok := strings.Cut(s, "=")
		v, err := strconv.ParseFloat(price, 64)
		if !ok || name == "" || err != nil || !(v >= 0 && v < maxPrice) {
			return nil, fmt.Errorf("%q is not NAME=PRICE, such as US=0.01", s)
		}
		out[name] = v
	}
	return out, nil
}

func endpoint(key, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s: %q is no http or https URL", key, raw)
	}
	return nil
}

func hostPort(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is no port", port)
	}
	if host == "" {
		return fmt.Errorf("%q names no host; 0.0.0.0 is every address", addr)
	}
	return nil
}

// External is external_ip; the zero Addr says that the route decides.
func (c *Config) External() (netip.Addr, error) {
	if c.ExternalIP == "" || c.ExternalIP == "auto" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(c.ExternalIP)
	if err == nil && a.IsUnspecified() {
		err = fmt.Errorf("%s is no address that a peer could reach", a)
	}
	return a, err
}

// Ports is rtp_ports, first and last; zeros take any.
func (c *Config) Ports() (p [2]uint16, err error) {
	if c.RTPPorts == "" {
		return p, nil
	}
	a, b, ok := strings.Cut(c.RTPPorts, "-")
	first, errA := strconv.ParseUint(a, 10, 16)
	last, errB := strconv.ParseUint(b, 10, 16)
	switch {
	case !ok || errA != nil || errB != nil || first == 0:
		return p, fmt.Errorf("%q is not A-B, such as 16384-32767", c.RTPPorts)
	case first+3 > last:
		return p, fmt.Errorf("%q holds fewer than two pairs of ports", c.RTPPorts)
	}
	return [2]uint16{uint16(first), uint16(last)}, nil
}

func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, addrErr := netip.ParseAddr(s)
			if addrErr != nil {
				return nil, fmt.Errorf("%q is no network such as 192.0.2.0/24", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// LedgerPath is where the ledger of erasures lies.
func (c *Config) LedgerPath() string {
	if c.Ledger != "" {
		return c.Ledger
	}
	return filepath.Join(c.Data, "erasures.ledger")
}

// KeysDir is where the agents' keys lie.
func (c *Config) KeysDir() string {
	if c.Keys != "" {
		return c.Keys
	}
	return filepath.Join(c.Data, "keys")
}

// EgressAllow is egress.allow.
func (c *Config) EgressAllow() []netip.Prefix {
	p, _ := networks(c.Egress) // checked
	return p
}

// Accept is sip.accept.
func (c *Config) Accept() (a Accept, err error) {
	for _, s := range c.SIPAccept {
		switch s {
		case "any":
			a.Any = true
		case "trunks":
			a.Trunks = true
		case "loopback":
			a.Loopback = true
		case "users":
			a.Users = true
		default:
			n, err := networks([]string{s})
			if err != nil {
				return a, fmt.Errorf("%q is none of trunks, loopback, users, any, and no network", s)
			}
			a.Networks = append(a.Networks, n...)
		}
	}
	return a, nil
}

// Users is sip.users, passwords by user.
func (c *Config) Users() (map[string]string, error) {
	users := map[string]string{}
	for i, s := range c.SIPUsers {
		user, password, ok := strings.Cut(s, ":")
		if !ok || user == "" || password == "" {
			return nil, fmt.Errorf("entry %d is not user:password", i+1)
		}
		users[user] = password
	}
	return users, nil
}
