package agents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	demoTime    = 20 * time.Second              // for rendering a sample
	demoLength  = 30 * speech.Rate              // samples of sound at most
	demosKept   = 32                            // samples kept in memory, about 150 kB each
	demoDefault = "Hello! This is how I sound." // for a language without a sentence of its own
)

// demoTexts are what a voice says of itself, by language.
var demoTexts = map[string]string{
	"en-US": "Hello! Thank you for calling. This is how I sound when I talk to you on the phone.",
	"en-CA": "Hello! Thank you for calling. This is how I sound when I talk to you on the phone.",
	"pt-BR": "Olá! Obrigada por ligar. É assim que eu falo ao telefone.",
	"pt-PT": "Olá! Obrigada por ligar. É assim que eu falo ao telefone.",
	"es-ES": "¡Hola! Gracias por llamar. Así sueno cuando hablo por teléfono.",
	"fr-FR": "Bonjour ! Merci de votre appel. Voici comment je parle au téléphone.",
	"de-DE": "Guten Tag! Danke für Ihren Anruf. So klinge ich am Telefon.",
	"it-IT": "Buongiorno! Grazie per la chiamata. Ecco come parlo al telefono.",
	"nl-NL": "Hallo! Bedankt voor het bellen. Zo klink ik aan de telefoon.",
}

// VoiceFilter narrows a list of voices; empty fields do not.
type VoiceFilter struct{ Language, Tier, Gender string }

// Voices is the catalogue of voice templates, with samples of how they sound.
type Voices struct {
	templates []parley.VoiceTemplate
	engine    speech.Synthesizer
	log       *slog.Logger

	mu    sync.Mutex
	demos map[string]*demo
}

// demo is a sample; ready is closed when wav and err stand.
type demo struct {
	ready chan struct{}
	wav   []byte
	err   error
}

// NewVoices makes the catalogue; engine says the samples.
func NewVoices(templates []parley.VoiceTemplate, engine speech.Synthesizer, log *slog.Logger) *Voices {
	return &Voices{templates: slices.Clone(templates), engine: engine, log: log, demos: map[string]*demo{}}
}

// List returns the templates that pass a filter, in the catalogue's order.
func (v *Voices) List(actor parley.Actor, f VoiceFilter) ([]parley.VoiceTemplate, error) {
	if err := actor.Require(parley.ReadVoices); err != nil {
		return nil, err
	}
	pass := func(want, have string) bool { return want == "" || want == have }
	var out []parley.VoiceTemplate
	for _, t := range v.templates {
		if pass(f.Language, t.Language) && pass(f.Tier, t.Tier) && pass(f.Gender, t.Gender) {
			out = append(out, t)
		}
	}
	return out, nil
}

// Template finds a template by id.
func (v *Voices) Template(id string) (*parley.VoiceTemplate, bool) {
	i := slices.IndexFunc(v.templates, func(t parley.VoiceTemplate) bool { return t.ID == id })
	if i < 0 {
		return nil, false
	}
	t := v.templates[i]
	return &t, true
}

// Demo returns a WAV file of a template's voice, rendering it once for all who ask. VoiceTemplateNotFound and DemoGenerationFailed
// are its refusals. Whoever asks must have been let in already: by ability, or by a signed link.
func (v *Voices) Demo(ctx context.Context, id string) ([]byte, error) {
	t, ok := v.Template(id)
	if !ok {
		return nil, parley.Errorf(parley.VoiceTemplateNotFound, "no voice template %s", id)
	}
	d, mine := v.claim(id)
	if mine {
		d.wav, d.err = v.render(context.WithoutCancel(ctx), t)
		if d.err != nil {
			v.forget(id, d)
		}
		close(d.ready)
	}
	select {
	case <-d.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if d.err != nil {
		v.log.Error("voice sample not rendered", "template", id, "error", d.err)
		return nil, parley.Errorf(parley.DemoGenerationFailed, "%s", d.err)
	}
	return d.wav, nil
}

// claim finds the sample of a template; mine says that the caller is to render it.
func (v *Voices) claim(id string) (d *demo, mine bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d, ok := v.demos[id]; ok {
		return d, false
	}
	for old := range v.demos { // any one: the samples can be made again
		if len(v.demos) < demosKept {
			break
		}
		delete(v.demos, old)
	}
	d = &demo{ready: make(chan struct{})}
	v.demos[id] = d
	return d, true
}

func (v *Voices) forget(id string, d *demo) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.demos[id] == d {
		delete(v.demos, id)
	}
}

func (v *Voices) render(ctx context.Context, t *parley.VoiceTemplate) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime, fmt.Errorf("no voice sample within %s", demoTime))
	defer cancel()
	text, ok := demoTexts[t.Language]
	if !ok {
		text = demoDefault
	}
	var pcm []int16
	err := v.engine.Say(ctx, text, speech.Voice{ID: t.ID, Language: t.Language, Speed: 1}, func(piece []int16) error {
		if len(pcm)+len(piece) > demoLength {
			return errors.New("the sample is longer than it may be")
		}
		pcm = append(pcm, piece...)
		return nil
	})
	if err == nil && len(pcm) == 0 {
		err = errors.New("the engine said nothing")
	}
	if err != nil {
		return nil, err
	}
	return audio.Clip{Rate: speech.Rate, Channels: 1, PCM: pcm}.AppendWAV(nil), nil
}
