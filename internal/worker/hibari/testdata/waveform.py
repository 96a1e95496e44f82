"""Writes waveform.bin.gz: a short dump of the network's output with the sound that the reference makes of it, noise left out.

    pip install hibari-tts==0.2.1 scipy && python waveform.py

16 frames from the middle of a word, little endian: pitch as float32 [16]; five spectra as int8 [5][601][16], in eighths;
the sound as int16 [4800].
"""
import gzip

import numpy as np

from hibari import Hibari, dsp


class Silent:
    def standard_normal(self, shape, dtype):
        return np.zeros(shape, dtype)


tts = Hibari()
ids = np.asarray([tts.ids(tts.g2p("Sixty five."))], np.int64)
out = [o[0][..., 22:38] for o in tts.sess.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})]
eighths = [np.clip(np.round(o * 8), -127, 127).astype(np.int8) for o in out[:5]]
pitch = out[5].astype("<f4")
sound = dsp.synth(*[e.astype(np.float32) / 8 for e in eighths], pitch, Silent())
with open("waveform.bin.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
    z.write(pitch.tobytes())
    z.write(b"".join(np.ascontiguousarray(e).tobytes() for e in eighths))
    z.write(np.round(sound * 32767).astype("<i2").tobytes())
print(pitch, np.abs(sound).max(), len(sound))
