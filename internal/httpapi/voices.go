package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

type voiceJSON struct {
	ID       string   `json:"id" example:"rose"`
	Name     string   `json:"name" example:"Rose"`
	Gender   string   `json:"gender" enum:"male,female"`
	Language language `json:"language"`
	Tier     string   `json:"quality_tier" enum:"basic,pro,ultra,beta"`
	Cost     string   `json:"cost" doc:"USD per minute as a decimal string." example:"0.00"`
	Provider string   `json:"provider,omitempty" example:"local"`
	About    string   `json:"description,omitempty" example:"Warm and clear."`
}

type voiceGroupJSON struct {
	DisplayName string      `json:"display_name" example:"Rose"`
	Voices      []voiceJSON `json:"voices" nullable:"false"`
}

type demoJSON struct {
	URL string `json:"mp3_url" format:"uri" doc:"Signed and expiring; the sound is WAV."`
}

type voiceListQuery struct {
	Language language `json:"language" required:"false"`
	Tier     string   `json:"quality_tier" required:"false" enum:"basic,pro,ultra,beta"`
	Gender   string   `json:"gender" required:"false" enum:"male,female"`
}

// unauthorizedText is what a 401 of the older families of operations says.
const unauthorizedText = "Unauthorized"

func (a *api) voiceRoutes() {
	texts := map[parley.Code]string{parley.InvalidToken: unauthorizedText}
	handle(a, op{
		id: "listVoiceTemplates", method: http.MethodGet, path: "/api/v1/voice-templates", tag: "Voice Templates",
		summary: "List voice templates by display name", texts: texts,
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.listVoices)
	const one = "/api/v1/voice-templates/{voice_template_id}"
	handle(a, op{
		id: "getVoiceTemplateDemo", method: http.MethodGet, path: one + "/demo", tag: "Voice Templates",
		summary: "Get a sample recording", shape: bareShape, texts: texts, fault: parley.DemoGenerationFailed,
		codes: []parley.Code{parley.Unauthorized, parley.VoiceTemplateNotFound},
	}, a.voiceDemo)
	a.mount(&route{op: op{
		id: "getVoiceTemplateDemoAudio", method: http.MethodGet, path: one + "/demo/audio", tag: "Voice Templates",
		summary: "Play a sample by its signed link", shape: mediaShape, media: "audio/wav", open: true,
		codes: []parley.Code{parley.Unauthorized, parley.VoiceTemplateNotFound, parley.DemoGenerationFailed},
		texts: map[parley.Code]string{parley.Unauthorized: "The link is not valid any more."},
	}, serve: a.playDemo})
}

func (a *api) listVoices(_ context.Context, r *in[voiceListQuery, none]) ([]voiceGroupJSON, error) {
	if err := r.faults.Err(); err != nil {
		return nil, err
	}
	q := r.query
	rows, err := a.deps.Voices.List(r.actor, agents.VoiceFilter{Language: string(q.Language), Tier: q.Tier, Gender: q.Gender})
	if err != nil {
		return nil, err
	}
	groups := []voiceGroupJSON{}
	at := map[string]int{}
	for _, t := range rows {
		i, known := at[t.DisplayName]
		if !known {
			i = len(groups)
			at[t.DisplayName] = i
			groups = append(groups, voiceGroupJSON{DisplayName: t.DisplayName})
		}
		groups[i].Voices = append(groups[i].Voices, voiceJSON{
			ID: t.ID, Name: t.Name, Gender: t.Gender, Language: language(t.Language), Tier: t.Tier, Cost: t.Cost,
			Provider: t.Provider, About: t.Description,
		})
	}
	return groups, nil
}

// voiceDemo renders the sample before it hands out the link, so that a failure is seen here.
func (a *api) voiceDemo(ctx context.Context, r *in[none, none]) (demoJSON, error) {
	if err := r.actor.Require(parley.ReadVoices); err != nil {
		return demoJSON{}, err
	}
	id := r.id("voice_template_id")
	if _, err := a.deps.Voices.Demo(ctx, id); err != nil {
		return demoJSON{}, err
	}
	expires := strconv.FormatInt(time.Now().Add(a.cfg.LinkLife).Unix(), 10)
	link := a.link(r.http, "/api/v1/voice-templates", id, "demo/audio")
	q := link.Query()
	q.Set("expires", expires)
	q.Set("signature", a.deps.Signer.Sign(demoLink, id, expires))
	link.RawQuery = q.Encode()
	return demoJSON{URL: link.String()}, nil
}

// demoLink keeps tags of these links apart from all other tags.
const demoLink = "voice demo"

func (a *api) playDemo(w http.ResponseWriter, r *http.Request, _ parley.Actor) error {
	id, q := pathID(r, "voice_template_id"), r.URL.Query()
	expires, err := strconv.ParseInt(q.Get("expires"), 10, 64)
	if err != nil || !a.deps.Signer.Signed(q.Get("signature"), demoLink, id, q.Get("expires")) || time.Now().Unix() > expires {
		return parley.Errorf(parley.Unauthorized, "the link's signature is wrong or it is too old")
	}
	wav, err := a.deps.Voices.Demo(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "private, max-age=900")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wav))
	return nil
}
