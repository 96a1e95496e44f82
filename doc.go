// Package parley is the vocabulary of the platform: plain structs, one noun a file, error codes and statuses. It imports nothing
// of the house, does no I/O and holds no rule beyond what a value of its types means. Field names in JSON are those of the HTTP contract.
package parley
