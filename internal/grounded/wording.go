package grounded

import "strings"

// Everything that the agent says of its own accord. It promises nothing and states no fact of the business.
const (
	sayUnknown      = "I'm sorry, I don't have that information."
	sayUnknownPart  = "I don't have information about the rest."
	sayNotExactly   = "I don't have that information exactly, but I can tell you this:"
	sayUnknownAgain = "I don't have that information either."
	askMessage      = "Shall I take a message?"
	askOrMessage    = "Or shall I take a message?"
	askAnythingElse = "Is there anything else I can help you with?"
	askHowHelp      = "How can I help you?"
	askWhatElse     = "What else would you like to know?"
	sayHello        = "Hello!"
	sayWelcome      = "You're welcome."
	sayGoodbye      = "Thank you for calling. Goodbye!"
	sayWait         = "Of course, take your time."
	sayNotHeard     = "Sorry, I didn't catch that. Could you say it again?"
	sayRobot        = "I'm an automated assistant."
	sayDropped      = "All right, I'll leave that."
	sayGladly       = "Gladly."
	sayThanks       = "Thank you."
	askCorrect      = "Is that right?"
	askChange       = "What should I change?"
	readBack        = "Let me read that back:"
	sayNoted        = "Thank you, I have noted that."
	sayDone         = "That is done."
	sayFailed       = "I'm sorry, that did not work."
	sayNotPossible  = "I'm sorry, I can't do that without it."
	sayCannotPass   = "I'm sorry, I can't put you through."
	sayWholeNumber  = "Could you give me the whole number, please?"
	askDoYouMean    = "Do you mean "
	askAbout        = "I can tell you about "
)

// abilities says what the agent can do, by the subjects of its trainings and its actions.
func (k *knowledge) abilities() string {
	var parts []string
	if len(k.subjects) > 0 {
		subjects := make([]string, 0, maxSubjects)
		for _, s := range k.subjects[:min(len(k.subjects), maxSubjects)] {
			subjects = append(subjects, lowerFirst(s))
		}
		parts = append(parts, askAbout+list(subjects, "and"))
	}
	for _, f := range k.forms {
		if !f.message && f != k.transfer && len(parts) < 4 {
			parts = append(parts, "I can help with: "+f.title)
		}
	}
	return strings.Join(append(parts, "I can take a message"), ". ") + "."
}

// maxSubjects bounds how many subjects are named in one breath.
const maxSubjects = 5

// lowerFirst makes a subject fit into a sentence; abbreviations and proper names keep their capitals.
func lowerFirst(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && strings.ToLower(s[1:]) == s[1:] {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// summary reads the values of a form back.
func (f *form) summary(values map[string]value) string {
	var parts []string
	for _, s := range f.slots {
		if v, ok := values[s.key]; ok && !v.declined {
			parts = append(parts, s.label+" "+strings.TrimRight(v.spoken, ".?!"))
		}
	}
	return readBack + " " + strings.Join(parts, ", ") + ". " + askCorrect
}
