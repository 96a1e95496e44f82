package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
	"github.com/parley-voice/parley/internal/telephony"
)

func (h *house) newSIP(guard *egress.Guard, board *boardLater) (*sipdoor.Door, error) {
	accept, acceptErr := h.cfg.Accept()
	external, externalErr := h.cfg.External()
	ports, portsErr := h.cfg.Ports()
	users, usersErr := h.cfg.Users()
	digest, digestErr := h.cfg.Digest()
	tlsConfig, tlsErr := sipTLS(h.cfg)
	held, heldErr := music(h.cfg.SIPMusic)
	if err := errors.Join(acceptErr, externalErr, portsErr, usersErr, digestErr, tlsErr, heldErr); err != nil {
		return nil, err
	}
	cfg := sipdoor.Config{
		Codecs: codecs(h.cfg.SIPCodecs), Music: held, Reliable: reliable[h.cfg.SIPRel],
		Addr: h.cfg.SIP, TLSAddr: h.cfg.SIPTLS, TLS: tlsConfig, ExternalIP: external, RTPPorts: ports, MediaTimeout: duration(h.cfg.RTPSilent),
		Accept: sipdoor.Accept{Any: accept.Any, Trunks: accept.Trunks, Loopback: accept.Loopback, Networks: accept.Networks},
		Digest: digest, Secret: []byte(h.key.Sign("sip")), Scanners: h.cfg.Scanners(),
		Refer: h.cfg.SIPRefer == "accept",
		Encryption: sipdoor.Encryption{
			Off: h.cfg.SIPSRTP == "off", Require: h.cfg.SIPSRTP == "require", KeysInClear: h.cfg.SIPKeys,
		},
		ComfortNoise: h.cfg.SIPNoise,
		Timers:       sipdoor.Timers{Ring: duration(h.cfg.SIPRing), Session: orOff(h.cfg.SIPSession), Check: orOff(h.cfg.SIPCheck)},
	}
	if accept.Users {
		cfg.Accept.Users = users
	}
	deps := sipdoor.Deps{
		Answerer: board, Trunks: h.trunks, Full: func() bool { return board.Full() }, Softphones: h.location(),
		TrunkAllowed: guard.Allowed, MediaAllowed: inNetworks(h.cfg.EgressAllow()), Log: h.log,
	}
	if h.cfg.SIPTrace {
		deps.Trace = func(networkID string, m parley.SIPMessage) { board.TraceSIP(networkID, m) }
	}
	return sipdoor.New(cfg, deps)
}

// reliable is what the words of sip.reliable mean.
var reliable = map[string]sipdoor.Reliable{
	"required": sipdoor.ReliableIfRequired, "supported": sipdoor.ReliableIfSupported, "never": sipdoor.ReliableNever,
}

func codecs(names []string) (all []stream.Codec) {
	for _, name := range names {
		if c, known := stream.CodecNamed(name); known {
			all = append(all, c)
		}
	}
	return all
}

// location is what the door asks about softphones.
func (h *house) location() telephony.Location {
	return telephony.NewLocation(telephony.Deps{Store: h.store, Vault: h.key, Log: h.log})
}

// sipTLS is the certificate of SIP over TLS, and whose certificates its callers show; nil without TLS.
func sipTLS(c config.Config) (*tls.Config, error) {
	if c.SIPTLS == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.SIPCert, c.SIPKey)
	if err != nil {
		return nil, fmt.Errorf("sip.tls.cert: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if c.SIPClientCA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.SIPClientCA)
	if err != nil {
		return nil, fmt.Errorf("sip.tls.client_ca: %w", err)
	}
	t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if c.SIPClientCert == config.ClientCertOptional {
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("sip.tls.client_ca: no certificate in %s", c.SIPClientCA)
	}
	return t, nil
}

// orOff is a duration that the door may be told to do without; it takes zero for its default.
func orOff(d config.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return duration(d)
}
