// Package e2e runs the built binary as its users do: over the REST API, SIP and RTP on loopback, with real models and foreign phones.
// It holds the harness; the tests need bin/parley (make build) and the models, and say by name what they miss.
package e2e
