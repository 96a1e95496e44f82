package app

import "github.com/parley-voice/parley"

// voices are the templates that the local synthesizer offers: one voice, in the languages of
// the contract that it speaks.
func voices() []parley.VoiceTemplate {
	return []parley.VoiceTemplate{
		{
			ID: "5f0c8f0e-6f0d-4c7e-9a51-0b1d4d3f0a01", DisplayName: "Hibari", Name: "hibari-us", Language: "en-US", Gender: "female", Tier: "basic",
			Provider: "local", Description: "A calm American voice that runs on this machine.", Cost: "0.00",
		},
	}
}
