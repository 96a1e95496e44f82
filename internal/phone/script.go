package phone

import "time"

// situation is what the script is judged by.
type situation struct {
	since    time.Duration // the last line ended, or the call was answered
	spoke    bool          // the other side has said something since then
	speaking time.Duration // that it has been speaking now, short pauses included; 0 when it is quiet
	quiet    time.Duration // since it last spoke
}

// due says whether a line's time has come.
func (p Plan) due(l Line, s situation) bool {
	if l.InterruptAfter > 0 && s.speaking >= l.InterruptAfter {
		return true
	}
	return p.finished(s)
}

// finished says whether the other side has finished its turn, or will not begin one.
func (p Plan) finished(s situation) bool {
	if s.spoke {
		return s.quiet >= p.QuietFor
	}
	return s.since >= p.Patience
}
