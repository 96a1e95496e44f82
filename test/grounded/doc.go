// Package grounded judges the offline mind with the real embedder, which its own room may not import.
package grounded
