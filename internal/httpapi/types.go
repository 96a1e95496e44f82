package httpapi

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

func oneOf(values ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: values} }

// language is a BCP 47 tag of the contract.
type language string

// Schema lists them.
func (language) Schema(huma.Registry) *huma.Schema {
	return oneOf("pt-BR", "pt-PT", "en-US", "en-CA", "es-ES", "fr-FR", "de-DE", "it-IT", "nl-NL", "ja-JP", "ko-KR", "zh-TW")
}

// direction of an agent or a call.
type direction string

// Schema lists them.
func (direction) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(parley.Inbound), string(parley.Outbound))
}

// sensitivity to interruptions.
type sensitivity string

// Schema lists them.
func (sensitivity) Schema(huma.Registry) *huma.Schema { return oneOf("low", "medium", "high") }

// speaker that opens a conversation.
type speaker string

// Schema lists them.
func (speaker) Schema(huma.Registry) *huma.Schema {
	return oneOf(parley.SpeakerAgent, parley.SpeakerUser)
}

// activity of a training.
type activity string

// Schema lists them.
func (activity) Schema(huma.Registry) *huma.Schema { return oneOf("active", "inactive") }

// transport of a trunk.
type transport string

// Schema lists them.
func (transport) Schema(huma.Registry) *huma.Schema { return oneOf("udp", "tcp", "tls") }

// phone is a number in international form.
type phone string

// Schema describes it.
func (phone) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "phone", Pattern: phonePattern}
}

// plain is a text without spaces and control characters: what becomes part of a SIP message must not end its line.
type plain string

// Schema describes it.
func (plain) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "plain", Pattern: plainPattern}
}

// object is any JSON object, kept as it came.
type object struct{ raw json.RawMessage }

// Schema describes it.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// UnmarshalJSON keeps the text.
func (o *object) UnmarshalJSON(b []byte) error {
	o.raw = bytes.Clone(b)
	return nil
}

// givenText is a text that an update may leave out, empty with null, or set.
type givenText struct{ parley.Given[string] }

// Schema describes it.
func (givenText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}

// givenPlain is the same of a plain.
type givenPlain struct{ parley.Given[string] }

// Schema describes it.
func (givenPlain) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "plain", Pattern: plainPattern, Nullable: true}
}

// MarshalJSON writes it as it came.
func (o object) MarshalJSON() ([]byte, error) {
	if o.raw == nil {
		return []byte("null"), nil
	}
	return o.raw, nil
}
