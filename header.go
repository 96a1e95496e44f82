package parley

import (
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Header is a header that requests to a receiver carry.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// CheckHeaders notes what cannot be sent among the custom headers of a form.
func CheckHeaders(headers []Header, faults *Faults) {
	for i, h := range headers {
		if !httpguts.ValidHeaderFieldName(h.Key) || reservedHeader(h.Key) {
			faults.Add(fmt.Sprintf("custom_headers.%d.key", i), fmt.Sprintf("The selected custom headers.%d.key is invalid.", i))
		}
		if !httpguts.ValidHeaderFieldValue(h.Value) {
			faults.Add(fmt.Sprintf("custom_headers.%d.value", i), fmt.Sprintf("The selected custom headers.%d.value is invalid.", i))
		}
	}
}

// reservedHeader says whether a request has a header for itself.
func reservedHeader(key string) bool {
	switch strings.ToLower(key) {
	case "host", "content-length", "transfer-encoding", "connection", "upgrade", "trailer", "te", "expect", "accept-encoding":
		return true
	}
	return false
}
