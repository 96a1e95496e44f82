package rtpmedia

import "testing"

// key is an event packet: event number, end bit, timestamp.
func key(event byte, end bool, timestamp uint32) Packet {
	b := []byte{event, 10, 0, 160}
	if end {
		b[1] |= 0x80
	}
	return Packet{Timestamp: timestamp, Payload: b}
}

func TestKeyPresses(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []Packet
		want    string
	}{
		{"one press with its end three times", []Packet{key(5, false, 100), key(5, false, 100), key(5, true, 100), key(5, true, 100), key(5, true, 100)}, "5"},
		{"its end is lost", []Packet{key(1, false, 100), key(2, false, 2000)}, "12"},
		{"its beginning is lost", []Packet{key(11, true, 100), key(11, true, 100)}, "#"},
		{"the same key twice", []Packet{key(7, true, 100), key(7, false, 3000), key(7, true, 3000)}, "77"},
		{"an old packet comes late", []Packet{key(1, true, 100), key(2, false, 2000), key(1, true, 100), key(2, true, 2000)}, "12"},
		{"a press of over eight seconds", []Packet{key(3, false, 100), key(3, false, 100+0xFFFF), key(3, true, 100+0xFFFF)}, "3"},
		{"over the wrap of the timestamp", []Packet{key(10, true, 0xFFFFFF00), key(12, true, 300)}, "*A"},
		{"no key: flash", []Packet{key(16, true, 100)}, ""},
		{"too short", []Packet{{Payload: []byte{1, 2}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k Keys
			got := ""
			for _, p := range c.packets {
				if d, ok := k.Packet(p); ok {
					got += string(d)
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestKeypadPressesWhatKeysHears(t *testing.T) {
	var pad Keypad
	var keys Keys
	talker := NewTalker(1, 0, 0xFFFFFE00)
	for _, d := range []byte("15*D") {
		if !pad.Press(d) {
			t.Fatalf("%q was not taken", d)
		}
	}
	if pad.Press('E') {
		t.Error("E is no key")
	}
	heard, marks, ends := "", 0, 0
	for range 60 {
		if s, ok := pad.Beat(talker.Timestamp(), Beat); ok {
			p, err := Parse(talker.Key(101, s, s.Payload()).Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if p.Marker {
				marks++
			}
			if p.Payload[1]&0x80 != 0 {
				ends++
			}
			if d, ok := keys.Packet(p); ok {
				heard += string(d)
			}
		}
		talker.Tick(Beat)
	}
	if heard != "15*D" || marks != 4 || ends != 12 {
		t.Errorf("heard %q with %d markers and %d ends", heard, marks, ends)
	}
}

func TestKeypadIsBounded(t *testing.T) {
	var pad Keypad
	n := 0
	for pad.Press('1') {
		n++
	}
	if n != 32 {
		t.Errorf("%d presses wait", n)
	}
}
