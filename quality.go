package parley

// QualityMethod is how a mean opinion score is estimated: by the E-model of ITU-T G.107.
const QualityMethod = "G.107"

// Quality is what the sound of a call was like on the network, as measured when it ended. What the far end says of our sound is missing
// when it sent no RTCP.
type Quality struct {
	Codec            string   `json:"codec"`
	Encryption       string   `json:"encryption"` // none, sdes or dtls
	Received         int64    `json:"packets_received"`
	Sent             int64    `json:"packets_sent"`
	Lost             int64    `json:"packets_lost"` // on the way to us
	Late             int64    `json:"packets_late"` // came, but too late to be played
	LossPercent      float64  `json:"loss_percent"`
	JitterMillis     float64  `json:"jitter_ms"` // RFC 3550 §6.4.1
	BufferMillis     float64  `json:"buffer_ms"` // what the jitter buffer waited at the end
	ConcealedPercent float64  `json:"concealed_percent"`
	RoundTripMillis  *float64 `json:"round_trip_ms"`
	FarLossPercent   *float64 `json:"far_loss_percent"` // of our packets, by the far end's RTCP
	FarJitterMillis  *float64 `json:"far_jitter_ms"`
	Rating           float64  `json:"r_factor"`
	MOSEstimate      float64  `json:"mos_estimate"` // of what we heard, 1 to 4.5
	Method           string   `json:"method"`
}
