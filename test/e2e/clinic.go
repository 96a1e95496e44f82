package e2e

import "strings"

// Number is the DID that the test agent answers.
const Number = "+12025550143"

// AgentBody is a complete createAgent body of a small clinic's receptionist.
func AgentBody(change JSON) JSON {
	b := JSON{
		"name": "Rose", "label": "reception", "language": "en-US", "direction": "inbound", "who_speaks_first": "agent",
		"description": "You answer the phone of the Lakeside dental clinic. Be brief. The clinic is open Monday to Friday from 8 am to 6 pm. " +
			"A cleaning costs 60 dollars.",
		"initial_message": "Lakeside dental clinic, how can I help you?", "interrupt_sensitivity": "high", "endpointing_sensitivity": "auto",
		"ivr_navigation_mode": "off", "conversation_speed": 1.0, "initial_message_delay": 0, "ask_if_human_present_on_idle": false,
		"idle_time_seconds": 30, "llm_temperature": 0.2, "enable_recording": true,
	}
	for k, v := range change {
		b[k] = v
	}
	return b
}

// Trunk registers a trunk at host:port and returns its id.
func (s *Server) Trunk(domain string, port int, change JSON) string {
	s.t.Helper()
	b := JSON{"name": "test", "provider_name": "loopback", "domain": domain, "port": port, "username": "", "password": "", "transport": "udp"}
	for k, v := range change {
		b[k] = v
	}
	return s.Must("POST", "/api/v1/sip-trunks", b)["id"].(string)
}

// DID adds a number to a trunk and returns its id.
func (s *Server) DID(trunk, number string) string {
	s.t.Helper()
	return s.Must("POST", "/api/v1/sip-trunks/"+trunk+"/dids", JSON{"country_code": "US", "number": number})["id"].(string)
}

// Agent makes, voices and publishes an agent on numbers and returns its id.
func (s *Server) Agent(change JSON, numbers ...string) string {
	s.t.Helper()
	body := AgentBody(change)
	body["phone_number_ids"] = numbers
	id := s.Must("POST", "/api/v1/agents", body)["id"].(string)
	s.Must("PUT", "/api/v1/agents/"+id+"/voice", JSON{"voice_id": s.Voice(), "conversation_speed": 1.0, "who_speaks_first": body["who_speaks_first"]})
	s.Must("POST", "/api/v1/agents/"+id+"/publish", nil)
	return id
}

// Voice is the id of the first voice template for American English.
func (s *Server) Voice() string {
	s.t.Helper()
	_, v := s.Do("GET", "/api/v1/voice-templates?language=en-US", nil)
	groups := v["data"].([]any)
	return groups[0].(JSON)["voices"].([]any)[0].(JSON)["id"].(string)
}

// Clinic is a published agent on Number, with its trunk.
func (s *Server) Clinic(change JSON) string {
	s.t.Helper()
	return s.Agent(change, s.DID(s.Trunk("127.0.0.1", 5999, nil), Number))
}

// URI is where a phone calls a number of this server.
func (s *Server) URI(number string) string {
	return "sip:" + strings.TrimPrefix(number, "+") + "@" + s.SIP
}
