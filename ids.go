package parley

import (
	"time"

	"github.com/google/uuid"
)

// NewID makes an id for a new row: a UUID of version 7, so that rows sort by age.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Stamp cuts t to what both databases keep, microseconds in UTC.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
