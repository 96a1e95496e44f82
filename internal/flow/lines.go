package flow

import "strings"

// lines are what is said where a flow has no words of its own.
type lines struct {
	misheard, failed, unconnected, lost, wait, goodbye string
	confirm                                            string // $ stands for the value
}

var fixedLines = map[string]lines{
	"en": {
		misheard:    "Sorry, I did not catch that.",
		failed:      "I am sorry, that did not work.",
		unconnected: "I am sorry, I could not connect you.",
		lost:        "I am sorry, I cannot help you any further here. Goodbye.",
		wait:        "Take your time.",
		goodbye:     "Goodbye.",
		confirm:     "I have: $. Is that right?",
	},
	"es": {
		misheard:    "Perdón, no le he entendido.",
		failed:      "Lo siento, eso no ha funcionado.",
		unconnected: "Lo siento, no he podido comunicarle.",
		lost:        "Lo siento, no puedo ayudarle más aquí. Adiós.",
		wait:        "Tómese su tiempo.",
		goodbye:     "Adiós.",
		confirm:     "He entendido: $. ¿Es correcto?",
	},
	"pt": {
		misheard:    "Desculpe, não entendi.",
		failed:      "Desculpe, isso não funcionou.",
		unconnected: "Desculpe, não consegui transferir a ligação.",
		lost:        "Desculpe, não posso ajudar mais por aqui. Até logo.",
		wait:        "Sem pressa.",
		goodbye:     "Até logo.",
		confirm:     "Entendi: $. Está certo?",
	},
}

func linesOf(language string) lines {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if l, ok := fixedLines[base]; ok {
		return l
	}
	return fixedLines["en"]
}
