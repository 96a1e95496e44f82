package sqlstore

import (
	"strings"

	"github.com/uptrace/bun/schema"
)

// textDialect drops U+0000 from texts: PostgreSQL refuses it, and bun would turn the statement into a broken one.
type textDialect struct{ schema.Dialect }

// AppendString quotes s without its NUL characters.
func (d textDialect) AppendString(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return d.Dialect.AppendString(b, s)
}
