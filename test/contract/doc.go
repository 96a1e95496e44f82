// Package contract holds the REST API, over real HTTP and a real database, against the wire contract in testdata: every operation that
// the server has, its success and each of its error codes, with every body checked against the contract's schemas.
package contract
