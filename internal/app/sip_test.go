package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/config"
)

// authority writes a certificate that signs itself, and its key.
func authority(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"parley.test"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestClientCertificates(t *testing.T) {
	cert, key := authority(t)
	friend, friendKey := authority(t)
	forger, forgerKey := authority(t)
	for _, c := range []struct {
		name, rule, cert, key string
		taken                 bool
	}{
		{"required and shown", config.ClientCertRequired, friend, friendKey, true},
		{"required and not shown", config.ClientCertRequired, "", "", false},
		{"required and another's", config.ClientCertRequired, forger, forgerKey, false},
		{"optional and not shown", config.ClientCertOptional, "", "", true},
		{"optional and shown", config.ClientCertOptional, friend, friendKey, true},
		{"optional and another's", config.ClientCertOptional, forger, forgerKey, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, err := sipTLS(config.Config{SIPTLS: "127.0.0.1:0", SIPCert: cert, SIPKey: key, SIPClientCA: friend, SIPClientCert: c.rule})
			if err != nil {
				t.Fatal(err)
			}
			client := &tls.Config{InsecureSkipVerify: true} // the server's certificate is not what is tried
			if c.cert != "" {
				pair, err := tls.LoadX509KeyPair(c.cert, c.key)
				if err != nil {
					t.Fatal(err)
				}
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			go func() { _, _ = tls.Client(a, client).Read(make([]byte, 1)) }()
			if err := tls.Server(b, server).Handshake(); (err == nil) != c.taken {
				t.Errorf("handshake: %v", err)
			}
		})
	}
}
