package grounded

import (
	"regexp"
	"strings"
)

// intent is a set of the few things that callers say to any business.
type intent uint32

const (
	greets intent = 1 << iota
	thanks
	affirms
	denies
	leaves
	wantsRepeat
	wantsSlower
	wantsWait
	wantsPerson
	wantsHelp
	asksRobot
	asksWho
	givesUp
	declines
	corrects
	closes // nothing more is wanted, which is a farewell but when it confirms
)

// What the universal intents sound like wherever they stand. They run over plain words joined by spaces, with a space at both ends.
var anywhere = []struct {
	is intent
	re *regexp.Regexp
}{
	{leaves, regexp.MustCompile(` (?:good ?bye|bye(?: bye)?|bye-bye|see you(?: later| then| soon| tomorrow)?|have a (?:nice|good|great|` +
		`lovely) (?:day|one|evening|weekend|afternoon|night)|` +
		`talk to you (?:later|soon)|hang up(?: now)?|cheerio|so long|have to go|got to go|you can hang up) `)},
	{closes, regexp.MustCompile(` (?:that (?:is|was|will be|would be) (?:all|it|everything)(?: for (?:now|today))?(?: i (?:need|needed|` +
		`wanted)(?: to know)?)?|nothing else|(?:i am|we are) (?:all set|done)) `)},
	{wantsRepeat, regexp.MustCompile(` (?:(?:can|could|would|will) you (?:please )?(?:repeat|say)(?: that| it| this)?(?: again| once more|` +
		` one more time)?|(?:please )?repeat(?: that| it| please| again)?|` +
		`say (?:that|it) again|come again|pardon(?: me)?|(?:what|sorry what) (?:did|was it|do) you (?:say|said|just say)|` +
		`what was that(?: again)?|(?:i )?(?:did|do|could) not (?:catch|hear|get|understand)(?: (?:that|you|it|what you said|a word))?|` +
		`one more time|once more|again please|excuse me|i beg your pardon|what did you just say) `)},
	{wantsSlower, regexp.MustCompile(` (?:(?:speak|talk|say it|say that|go) (?:a (?:bit|little) |a little bit |more )?(?:slower|slowly)|` +
		`slower|slow down|(?:too|so) fast|more slowly) `)},
	{wantsWait, regexp.MustCompile(` (?:(?:hold|hang) on(?: (?:a |one )?(?:second|sec|moment|minute))?|(?:wait|just)(?: a| one)? (?:second|` +
		`sec|moment|minute)|one (?:second|sec|moment|minute)(?: please)?|give me a (?:second|sec|moment|minute)|` +
		`let me (?:think|check|see|look|get a pen|find a pen)|i am (?:looking for|getting) a pen|just a (?:second|sec|moment|minute)) |` +
		`^ (?:please )?wait(?: please)? $`)},
	{asksRobot, regexp.MustCompile(` (?:(?:are|am) (?:you|i talking to|i speaking to|i speaking with|i talking with)(?: to| with)? (?:a |` +
		`an )?(?:real |actual |live )?(?:robot|machine|bot|computer|human|person|ai|a i|recording|human being|artificial intelligence|` +
		`answering machine)|` +
		`is this (?:a |an )?(?:real |actual )?(?:robot|machine|bot|computer|recording|human|ai|a i|person|answering machine)) `)},
	{wantsPerson, regexp.MustCompile(` (?:(?:put|connect|transfer) me (?:through |over )?(?:to|with)(?: \w+){1,3}|(?:speak|talk|connect me|` +
		`put me through|transfer me|get through|chat) (?:to|with|me to) (?:a |an |the |some )?(?:real |live |actual |human )?(?:person|human|` +
		`someone|somebody|operator|agent|representative|` +
		`receptionist|manager|colleague|staff|boss|owner|anyone|a member of staff)(?: being| real| else)?|(?:a )?(?:real|human|live|` +
		`actual) (?:person|human|being|agent|operator)(?: please)?|(?:get|give) me (?:a |an |the )?(?:person|human|manager|operator|someone)(?: real)?|` +
		`(?:(?:can|could|may|might) (?:i|we)|let me|(?:i|we) (?:want|need|have|wanted|would like|would love|was hoping) to)(?: please| maybe| just|` +
		` quickly)? (?:talk|speak|have a word) (?:to|with)(?: \w+){1,6}|` +
		`(?:transfer|forward|connect) (?:me|(?:this|my|the) call)|put me through|operator|representative|(?:a |an )?(?:person|` +
		`human) please|is (?:there )?(?:anyone|anybody|someone|somebody) (?:i can|` +
		`there i can) (?:talk|speak) to) `)},
	{wantsHelp, regexp.MustCompile(` (?:what (?:else )?can you (?:do|tell me|help me with|help with|offer)(?: for me)?|what (?:do|` +
		`can) you (?:know|do)(?: exactly)?|how can you help(?: me)?|can you help me|could you help me|i need (?:some )?help|what are (?:my|` +
		`the) options|` +
		`what can i (?:ask|do)(?: you)?(?: here)?|who can help me|help me|help) `)},
	{asksWho, regexp.MustCompile(` (?:who are you|who is (?:this|that|speaking|there|calling)|what (?:is|was) your name(?: again)?|` +
		`who am i (?:speaking|talking) (?:to|with)|(?:what|which) (?:company|business|place|number) is this|who do i have|with whom am i speaking) `)},
	{givesUp, regexp.MustCompile(` (?:never ?mind|forget (?:it|that|about it)|cancel (?:that|it|this|everything)|(?:i )?(?:changed|` +
		`change) my mind|(?:i )?(?:do not|no longer) want (?:to|that|this|it)(?: any ?more)?|stop(?: it| that)?|leave it|let us not|` +
		`rather not(?: do that| after all)?|start over|not now|drop it) `)},
	{declines, regexp.MustCompile(` (?:(?:i )?(?:do not|have not|would not) (?:have|got|know|remember|use|want to (?:give|say|tell)|` +
		`like to (?:give|say|tell))(?: (?:one|it|that|any|an e ?mail|email|e ?mail|a phone|a number|an? \w+(?: \w+)?))?|(?:i would |` +
		`i had )?rather not(?: say| tell| give (?:it|that|one))?|` +
		`skip(?: that| it| this)?|no (?:e ?mail|phone|number|idea)|none|not sure|i am not sure|nothing|prefer not(?: to(?: say)?)?) `)},
}

// edges are intents that count at an edge of what was said, since the same words mean nothing in its middle.
var edges = []struct {
	is          intent
	front, back *regexp.Regexp
}{
	edge(thanks, true, `thanks?(?: (?:you|a lot|so much|very much|again|a bunch|kindly|for (?:that|your help|the help|the information|`+
		`your time)))*|cheers|much appreciated|(?:i )?appreciate it|many thanks|`+
		`that (?:is|was) (?:very )?(?:helpful|kind)(?: of you)?|you have been (?:very )?helpful`),
	edge(greets, false, `yo|hello(?: there| again)?|hi(?: there| again)?|hey(?: there)?|good (?:morning|afternoon|evening|day)|greetings|`+
		`howdy|how are you(?: doing)?(?: today)?`),
	edge(affirms, false, `yes(?: (?:it is|i do|i would|please|sir|that is right|that is correct|exactly|indeed))?|yeah|yep|yup|yea|ya|`+
		`sure(?: thing)?|of course|okay|ok|correct|`+
		`(?:that|it|everything|all of (?:that|it)) (?:is|are) (?:all )?(?:right|correct|fine|good|perfect|great|true|exactly right|ok|okay)|`+
		`(?:that |it )?sounds (?:good|great|right|perfect|fine)|right|exactly|absolutely|`+
		`perfect|definitely|certainly|please do|go ahead|fine|great|alright|all right|all good|all correct|uh huh|mhm|mm hmm|indeed|why not|`+
		`that would be (?:great|good|nice|fine|lovely|perfect)|looks good|very good|`+
		`lovely|excellent|wonderful|agreed|you got it|that is it`),
	edge(denies, false, `no(?: no)*(?: (?:thanks|thank you|it is not|that is not|it is fine|i am (?:good|fine|ok|okay)|not really))?|nope|`+
		`nah|not (?:right|correct|really|quite|exactly|at all|necessary|needed)|`+
		`(?:that|it) (?:is|was) (?:not (?:right|correct|it|true|quite right)|wrong|incorrect|false)|wrong|incorrect|not at the moment`),
	edge(corrects, false, `actually|i mean(?:t)?|rather|make (?:it|that)|change (?:it|that) to|sorry|wait`),
}

func edge(is intent, both bool, pattern string) (e struct {
	is          intent
	front, back *regexp.Regexp
}) {
	e.is, e.front = is, regexp.MustCompile(`^ (?:(?:um|uh|er|hm|hmm|oh|ah|well|so|and|but) )*(?:`+pattern+`) `)
	if both {
		e.back = regexp.MustCompile(` (?:` + pattern + `)(?: (?:then|so|very much))? $`)
	}
	return e
}

// "That's all correct" is a yes and no farewell.
var reAllRight = regexp.MustCompile(` (?:that|this|it) is all (right|correct|fine|good|true) `)

// Answers that are a yes only when nothing else is said.
var reWholeYes = regexp.MustCompile(`^ (?:i do|i would(?: like that| love that)?|please|do (?:it|that)|it is|good|i think so|` +
	`i guess(?: so)?|that would be nice) $`)

// Words that carry nothing by themselves, left over once the intents are taken out.
var fillers = wordSet(`
	um uh er hm hmm oh ah well so and but then please now okay ok just like i the a it is that you for to of me very much there really
	all today right anyway was yet this too again my sir madam alright sorry mm eh huh wow see got also maybe not know do we am with
	can could would will bit little what`)

// utterance is what the caller said, with the universal intents taken out.
type utterance struct {
	raw   string
	plain []string // words as said
	ws    []string // number words as digits
	is    intent
	rest  []string // plain words that are left
}

func (u utterance) has(i intent) bool { return u.is&i != 0 }

// only says whether the caller said nothing beside intents.
func (u utterance) only() bool { return len(u.rest) == 0 }

// maxText bounds how much of one utterance is looked at, in bytes; the end of a long one counts most.
const maxText = 1200

// hear reads an utterance.
func hear(text string) utterance {
	if len(text) > maxText {
		text = text[len(text)-maxText:]
		if i := strings.IndexByte(text, ' '); i >= 0 {
			text = text[i:]
		}
	}
	text = strings.ToValidUTF8(text, " ")
	u := utterance{raw: strings.TrimSpace(text), plain: plainWords(text)}
	u.ws = digits(u.plain)
	joined := reAllRight.ReplaceAllString(" "+strings.Join(u.plain, " ")+" ", " that is ${1} ")
	for _, in := range anywhere {
		if next := in.re.ReplaceAllString(joined, "  "); next != joined {
			u.is |= in.is
			joined = pad(next)
		}
	}
	joined = u.stripEdges(joined)
	if reWholeYes.MatchString(joined) {
		u.is |= affirms
		joined = ""
	}
	u.rest = leftover(strings.Fields(joined))
	return u
}

func pad(s string) string { return " " + strings.Join(strings.Fields(s), " ") + " " }

func (u *utterance) stripEdges(joined string) string {
	for range 6 {
		before := joined
		for _, e := range edges {
			next := e.front.ReplaceAllString(joined, " ")
			if e.back != nil {
				next = e.back.ReplaceAllString(pad(next), " ")
			}
			if next = pad(next); next != joined {
				u.is |= e.is
				joined = next
			}
		}
		if joined == before {
			break
		}
	}
	return joined
}

// leftover is nil when only fillers remain.
func leftover(ws []string) []string {
	for _, w := range ws {
		if !fillers[w] {
			return ws
		}
	}
	return nil
}
