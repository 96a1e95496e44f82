package httpapi

import "time"

// exampleTime is when things happen in the world of the examples.
func exampleTime() stamp { return stamp(time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)) }

// sameNoun are schemas and fields that name a row of the world under another noun than its own.
var sameNoun = map[string]string{
	"agent_ref": "agent", "source_agent": "agent", "active_call": "call", "call_detail": "call", "ended_call": "call", "placed": "call",
	"external_call": "call", "org": "environment", "current_environment": "environment", "agent_did": "phone_number", "did": "phone_number",
	"number": "phone_number", "sip_trunk": "trunk", "softphone": "phone", "new_softphone": "phone", "personal_token": "token",
	"new_personal_token": "token", "webhook_log": "log", "original_log": "log", "integration_ref": "integration", "template": "voice_template",
	"voice": "voice_template", "agent_voice": "voice_choice",
}

// exampleOfFormat are texts of a format, where a field's name says no more.
var exampleOfFormat = map[string]any{
	"date-time": "2026-03-05T10:00:00Z", "date": "2026-03-05", "uri": "https://crm.example.com/parley", "email": "ada@example.com",
	"phone": "+12025550177",
}

// world is what field names mean in all examples: the reception of a clinic, its trunk and number, and one call of one patient.
var world = map[string]any{
	"created_at": "2026-03-05T09:00:00Z", "updated_at": "2026-03-05T09:30:00Z", "answered_at": "2026-03-05T10:00:04Z",
	"started_at": "2026-03-05T10:00:00Z", "ended_at": "2026-03-05T10:00:42Z",
	"phone_number": "+12025550177", "to": "+12025550143", "from": "+12025550177", "number": "+12025550143",
	"to_formatted": "(202) 555-0143", "from_formatted": "(202) 555-0177", "formatted_number": "(202) 555-0143",
	"international_number": "+1 202 555 0143", "country_code": "US", "phone": "+12025550177",
	"language": "en-US", "direction": "inbound", "who_speaks_first": "agent", "currency": "USD",
	"endpointing_sensitivity": "auto", "ivr_navigation_mode": "off", "interrupt_sensitivity": "medium", "llm_temperature": 0.2,
	"conversation_speed": 1.0, "idle_time_seconds": 30, "initial_message_delay": 0, "enable_recording": true,
	"sid": "c7d1f0", "username": "reception", "domain": "sip.carrier.example", "realm": "parley", "password": "correct horse battery staple",
	"provider_name": "Example Carrier", "port": 5061, "transport": "tls", "search": "rose",
	"webhook_url": "https://crm.example.com/parley", "events": []any{"event_phone_call_ended"}, "event": "event_phone_call_ended",
	"subject": "Opening hours", "instructions": "We are open from Monday to Friday, from nine to five.", "node_id": "opening-hours",
	"abilities": []any{"*"}, "email": "ada@example.com", "engine": "default", "page": 1, "current_page": 1, "last_page": 1, "per_page": 20,
	"total": 1, "status_code": 200, "http_status": 200, "voice_template_id": "rose", "voice_id": "rose", "identifier": "http",
	"category": "data", "codec": "PCMU", "callback_source_agent": exampleID("agent"), "encryption": "none", "method": "G.107",
	"granularity": "daily", "start_date": "2026-03-01", "end_date": "2026-03-31", "date_from": "2026-03-01", "date_to": "2026-03-31",
}
