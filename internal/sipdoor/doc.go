// Package sipdoor turns the telephone network into media.Legs: SIP over UDP, TCP and TLS (RFC 3261), answering and calling, registration
// at trunks, and digest both ways. It stands on the sip subpackage of sipgo, which parses, transports and keeps transactions; dialogs,
// offer and answer, authentication and the timers of calls are here. Sound is the business of the subpackage stream.
//
// Each call is a dialog with one goroutine that empties a mailbox; whatever happens to a call, from the network or from inside, is a
// function put there. Hooks in the read loop (pre.go) note what must keep the order of its arrival.
package sipdoor
