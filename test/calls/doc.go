// Package calls tests the switchboard over a real database and a place for recordings on disk, with scripted callers, engines and far
// sides, in virtual time.
package calls
