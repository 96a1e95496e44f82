package convo

import (
	"context"
	"strings"
	"sync"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/turn"
)

// Lines are the fixed texts of a conversation in one language.
type Lines struct {
	// Greeting answers a call, Hello opens one of our own; an agent's initial message takes the place of either.
	Greeting, Hello string

	Filler, Present, Repeat, Apology, Goodbye, Inactive string
}

var fixedLines = map[string]Lines{
	"en": {
		Greeting: "Hello, how can I help you?",
		Hello:    "Hello.",
		Filler:   "One moment, please.",
		Present:  "Are you still there?",
		Repeat:   "Sorry, I did not catch that. Could you say it again?",
		Apology:  "I am sorry, something is not working on our side. Please call again later. Goodbye.",
		Goodbye:  "I am sorry, our time is up. Thank you for calling. Goodbye.",
		Inactive: "I cannot hear you, so I will hang up now. Goodbye.",
	},
	"es": {
		Greeting: "Hola, ¿en qué puedo ayudarle?",
		Hello:    "Hola.",
		Filler:   "Un momento, por favor.",
		Present:  "¿Sigue ahí?",
		Repeat:   "Perdón, no le he entendido. ¿Puede repetirlo?",
		Apology:  "Lo siento, algo no funciona de nuestro lado. Llame más tarde, por favor. Adiós.",
		Goodbye:  "Lo siento, se nos acabó el tiempo. Gracias por llamar. Adiós.",
		Inactive: "No le oigo, así que voy a colgar. Adiós.",
	},
	"pt": {
		Greeting: "Olá, como posso ajudar?",
		Hello:    "Olá.",
		Filler:   "Um momento, por favor.",
		Present:  "Você ainda está aí?",
		Repeat:   "Desculpe, não entendi. Pode repetir?",
		Apology:  "Desculpe, algo não está funcionando do nosso lado. Ligue mais tarde, por favor. Até logo.",
		Goodbye:  "Desculpe, nosso tempo acabou. Obrigado por ligar. Até logo.",
		Inactive: "Não consigo ouvir você, então vou desligar. Até logo.",
	},
}

// linesOf are the lines of a conversation: in the agent's language, with its own greeting.
func linesOf(cfg Config) Lines {
	a := &cfg.Snapshot.Agent
	base, _, _ := strings.Cut(strings.ToLower(a.Language), "-")
	l, ok := fixedLines[base]
	if !ok {
		l = fixedLines["en"]
	}
	if greeting := strings.TrimSpace(fill(deref(a.InitialMessage), cfg.Payload)); greeting != "" {
		l.Greeting = greeting
	} else if cfg.Direction == parley.Outbound {
		l.Greeting = l.Hello
	}
	return l
}

func (l Lines) of(w turn.What) string {
	switch w {
	case turn.Greeting:
		return l.Greeting
	case turn.Filler:
		return l.Filler
	case turn.Present:
		return l.Present
	case turn.Repeat:
		return l.Repeat
	case turn.Goodbye:
		return l.Goodbye
	case turn.Inactive:
		return l.Inactive
	}
	return l.Apology
}

// kept are the lines that are rendered before they are needed, those for a synthesizer that is away first.
func (l Lines) kept() []string {
	return []string{l.Apology, l.Filler, l.Repeat, l.Present, l.Inactive, l.Goodbye}
}

// phrasesMost bounds what is kept: about 20 MB.
const phrasesMost = 256

type phraseKey struct {
	voice speech.Voice
	text  string
}

// Phrases keeps rendered fixed texts, so that they can be said at once and while the synthesizer is away. It holds nothing that an agent's
// owner or a caller wrote. It is safe for concurrent use, and no call waits for another's rendering.
type Phrases struct {
	mu   sync.Mutex
	pcm  map[phraseKey][]int16
	busy map[phraseKey]bool
}

// NewPhrases makes an empty one.
func NewPhrases() *Phrases {
	return &Phrases{pcm: map[phraseKey][]int16{}, busy: map[phraseKey]bool{}}
}

func (p *Phrases) find(v speech.Voice, text string) []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pcm[phraseKey{v, text}]
}

// claim says whether the caller is to render the text.
func (p *Phrases) claim(k phraseKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pcm[k] != nil || p.busy[k] {
		return false
	}
	p.busy[k] = true
	return true
}

func (p *Phrases) put(k phraseKey, pcm []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, k)
	if pcm == nil {
		return
	}
	if len(p.pcm) >= phrasesMost {
		clear(p.pcm)
	}
	p.pcm[k] = pcm
}

// prepare renders texts that are missing, one after the other, until ctx ends.
func (p *Phrases) prepare(ctx context.Context, s speech.Synthesizer, v speech.Voice, texts []string) {
	for _, text := range texts {
		k := phraseKey{v, text}
		if ctx.Err() != nil || !p.claim(k) {
			continue
		}
		pcm, err := renderText(ctx, s, text, v)
		if err != nil {
			pcm = nil // a later call tries again
		}
		p.put(k, pcm)
	}
}

func renderText(ctx context.Context, s speech.Synthesizer, text string, v speech.Voice) ([]int16, error) {
	var all []int16
	err := s.Say(ctx, text, v, func(pcm []int16) error {
		all = append(all, pcm...)
		return nil
	})
	return all, err
}
