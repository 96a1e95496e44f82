package calls

import (
	"regexp"
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

// machinePhrase matches what the greetings of answering machines say and people who pick up do not, in the languages of the contract that
// have many callers.
var machinePhrase = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`leave (me |us )?(a|your) (short |brief )?(voice ?mail|message|name)`, `(after|at) the (tone|beep)`, `voice ?mail`, `mailbox (is|of|full)`,
	`(can'?t|cannot|unable to) (come to|answer|take) (the|your) (phone|call)`, `record your message`, `is not available to take`,
	`(deixe|grave) (o |a )?(seu|sua|um|uma) (recado|mensagem|nome)`, `ap[oó]s o (sinal|bip)`, `caixa (postal|de mensagens)`, `correio de voz`,
	`dej[ea] (su|tu|un) (mensaje|nombre|recado)`, `despu[eé]s (de la señal|del tono|del bip)`, `buz[oó]n de voz`,
	`laissez (un|votre) message`, `apr[eè]s le (bip|signal)`, `messagerie vocale`,
	`(hinterlassen|sprechen) sie .*nachricht`, `nach dem (signal|piep|ton)`, `mailbox von`,
	`lasci(a|ate)? un messaggio`, `dopo il segnale`, `segreteria`,
}, "|"))

// A machine speaks longer without a pause than people who pick up: from here on one phrase is enough evidence even of a doubtful word.
const (
	machineWords = 4               // a greeting has at least so many
	machineFor   = 1 * time.Second // and takes so long
)

// machineGreeting judges by the words and the length of the first utterance on an outbound call whether a machine answered. It takes no
// person for a machine by length alone.
func machineGreeting(t parley.Turn) bool {
	return machinePhrase.MatchString(t.Text) && len(strings.Fields(t.Text)) >= machineWords && t.EndedAt.Sub(t.StartedAt) >= machineFor
}
