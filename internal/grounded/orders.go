package grounded

import (
	"regexp"
	"strings"
)

// A sentence of the agent's texts is a fact for callers or an order to the agent. Orders are written in the imperative with a verb of
// answering the phone, or speak to the agent as "you", or speak of the caller in the third person.
var (
	reOrderVerb = regexp.MustCompile(`^(?i)(?:please |then |also )*(?:always |only |just |politely |briefly )?(?:be|answer|ask|never|` +
		`always|avoid|stay|speak|talk|tell|say|offer|make sure|remember|confirm|greet|` +
		`mention|refer|finish|close|conclude|transfer|collect|note|write|record|jot|promise|give|end|thank|repeat|respond|reply|explain|` +
		`apologi[sz]e|sound|act|behave|introduce|inform|help|assist|get|obtain|gather|request|` +
		`schedule|find out|stick|limit|mind|try|pretend|listen|let|forward|invite|encourage|direct|redirect|route|escalate)\b`)
	reKeep = regexp.MustCompile(`^(?i)keep (?:it|answers?|your|the|replies|responses|sentences|conversations?|calls|calm|polite|short|brief|to)\b`)
	reUse  = regexp.MustCompile(`^(?i)use (?:a |an |the )?(?:short|simple|polite|formal|informal|friendly|plain|warm|calm|first|` +
		`language|tone|words|sentences)`)
	reNot = regexp.MustCompile(`^(?i)(?:please )?(?:do not|don't|don’t) (?:ever )?(\w+)`)
	reYou = regexp.MustCompile(`^(?i)(?:you(?:'re| are| answer| work for| represent| take| handle| speak| help| assist| will| should|` +
		` must| never| always| only| act| respond| receive| pick up| do not| don't)|your (?:job|task|role|goal|name|tone|purpose|aim|style|` +
		`answers|responses))\b`)
	reToYou = regexp.MustCompile(`^(?i)you (?:are (?:welcome|free|allowed|entitled|covered|charged)|will (?:be|need|get|receive|find|` +
		`have|pay)|must (?:be|bring|have|pay|show|check|cancel|book|arrive|leave|not eat)|should (?:be|bring|arrive|come|have|cancel|book|` +
		`call)|do not (?:need|have)|don't (?:need|have)|have to|need to (?:be|bring|have|pay|show|check|cancel|book|arrive)|only (?:need|pay)|` +
		`take the|receive)\b`)
	reCaller = regexp.MustCompile(`(?i)\b(?:the |a |any |each |every )?(?:callers?|the user|the person calling)(?:'s|')?\b`)
	reTell   = regexp.MustCompile(`^(?i)(?:please |then |also |and )*(?:always )?(?:(?:tell|inform|remind) (?:the |all |any |` +
		`every )?(?:callers?|customers?|patients?|clients?|guests?|them|people|him or her|him|her|everyone|users?|persons?|visitors?|members?|` +
		`students?|parents?|owners?)|say|mention|explain|answer|reply|confirm|(?:end|finish|close|conclude) (?:by|with)(?: saying|` +
		` telling (?:them|the caller|callers))?|let (?:them|callers|the caller|him or her) know|(?:promise|assure)(?: (?:them|callers|` +
		`the caller))?)(?: that|:)? (.+)$`)
	reIgnore = regexp.MustCompile(`(?i)\b(?:you (?:do not|don't|cannot|can't|are not|will not)|sorry|goodbye|hello|politely|thank you|yes or no)\b`)
	reSoon   = regexp.MustCompile(`(?i)\b(?:brief|briefly|short|shortly|concise|concisely|quick|one sentence|few words|to the point)\b`)
	reUnsure = regexp.MustCompile(`(?i)\b(?:(?:do not|don't|don’t|does not|doesn't|cannot|can't|can’t|can not|not able to|` +
		`unable to) (?:\w+ )?(?:know|answer|help|assist|find)|unsure|not sure|not listed|no answer|anything else|unclear|other questions?|` +
		`not (?:in|covered))\b`)
	reWhen     = regexp.MustCompile(`^(?i)(?:if|when|whenever|in case|should|to|for|once|before|after|with)\b(.*?),\s*(?:then |please |just )?(.+)$`)
	reIfCaller = regexp.MustCompile(`^(?i)(?:if|when) you (?:prefer|want|wish|would like|need|have|come|arrive|bring|pay|plan|wear|book|` +
		`cancel|lose|miss|feel|are (?:late|sick|ill|allergic|pregnant|under|over|not able|unable to come|a (?:member|student|new)))`)
	reFor  = regexp.MustCompile(`^(?i)(?:for|to) (.+?),? ((?:take|ask|note|write|collect|get|record|request|jot)\b.+)$`)
	reTail = regexp.MustCompile(`^(?i)(.+?),? (?:if|when|whenever|in case) (.+)$`)
)

// Verbs that after "do not" speak to the agent; other "do not" sentences may be advice to callers.
var reAgentVerb = regexp.MustCompile(`^(?i)(?:give|discuss|promise|talk|say|mention|quote|diagnos\w*|recommend|reveal|share|make|tell|` +
	`answer|offer|speak|interrupt|argue|accept|guess|invent|read|disclose|provide|suggest|comment|transfer|hang|be|ask|use|sound|repeat|` +
	`confirm|collect|state|advise|negotiate|engage|apologi[sz]e|agree|assume|commit|let)$`)

// order is what one sentence asks of the agent.
type order struct {
	condition string // when it applies, empty for always
	text      string
}

// splitOrder says whether a sentence is an order and under which condition.
func splitOrder(s string) (order, bool) {
	bare := strings.TrimRight(s, ". ")
	if o, ok := labelled(bare); ok {
		return o, true
	}
	if m := reFor.FindStringSubmatch(bare); m != nil && takesDown(m[2]) {
		return order{condition: m[1], text: m[2]}, true
	}
	if m := reWhen.FindStringSubmatch(bare); m != nil && reIfCaller.MatchString(bare) && !takesDown(m[2]) {
		return order{}, false
	}
	if m := reWhen.FindStringSubmatch(bare); m != nil && isOrder(m[2]) {
		return order{condition: m[1], text: m[2]}, true
	}
	if !isOrder(bare) {
		return order{}, false
	}
	if m := reTail.FindStringSubmatch(bare); m != nil && takesDown(m[1]) {
		// What is to be said afterwards belongs to the order: "… if someone wants to book, and tell them that …".
		condition, after := m[2], ""
		if loc := reListEnd.FindStringIndex(condition); loc != nil {
			condition, after = condition[:loc[0]], condition[loc[0]:]
		}
		return order{condition: condition, text: m[1] + after}, true
	}
	return order{text: bare}, true
}

var (
	reLabel = regexp.MustCompile(`^([^:]{3,140}):\s+(.+)$`)
	reRules = regexp.MustCompile(`^(?i)(?:rules?|style|tone|note|important|instructions?|guidelines?|behaviou?r)$`)
	reWho   = regexp.MustCompile(`^(?i)(?:for )?(?:any(?:one|body)|callers?|people|those|whoever|every(?:one|body)|some(?:one|body)|customers?|` +
		`guests?|patients?|clients?) ` +
		`(?:who |that |asking |calling |with |wanting |needing )*`)
	reBareList = regexp.MustCompile(`^(?i)(?:the |their |his or her |a )?(?:full |first |last )?(?:names?|(?:tele)?phone|number)\b`)
	reOfferAnd = regexp.MustCompile(`^(?i)offer (.+?),? and ((?:note|take|ask|get|write|record|collect)\b.+)$`)
	reSoTake   = regexp.MustCompile(`^(?i)(.{8,}?),? so ((?:please )?(?:ask|take|note|get|write|record|collect)\b.+)$`)
	reLeaveUs  = regexp.MustCompile(`^(?i)(?:to|for) (.+?),? (?:please )?leave (?:us )?(?:your|a) (.+)$`)
)

// labelled reads an order that stands behind those whom it is about: "Anyone who wants a quote: get their name and number".
func labelled(s string) (order, bool) {
	if m := reLeaveUs.FindStringSubmatch(s); m != nil && takesDown("take "+m[2]) {
		return order{condition: m[1], text: "take " + m[2]}, true
	}
	if m := reSoTake.FindStringSubmatch(s); m != nil && takesDown(m[2]) && !reWhen.MatchString(s) {
		return order{condition: reWho.ReplaceAllString(m[1], ""), text: m[2]}, true
	}
	m := reLabel.FindStringSubmatch(s)
	if m == nil {
		return order{}, false
	}
	who, text := m[1], m[2]
	switch {
	case reRules.MatchString(who):
		if o, ok := splitOrder(text); ok {
			return o, true
		}
		return order{}, false
	case reFor.MatchString(text) && takesDown(reFor.FindStringSubmatch(text)[2]):
		return splitOrder(text)
	case reBareList.MatchString(text) && reWho.MatchString(who):
		text = "take " + text
	}
	if o := reOfferAnd.FindStringSubmatch(text); o != nil {
		who, text = who+" or "+o[1], o[2]
	}
	if !takesDown(text) {
		return order{}, false
	}
	return order{condition: reWho.ReplaceAllString(who, ""), text: text}, true
}

// Order verbs that may as well be the noun a fact begins with: "Repeat prescriptions can be picked up …".
var reNounFirst = regexp.MustCompile(`^(?i)(?:repeat|record|note|offer|transfer|schedule|request|limit|end|help|sound|group|gift|` +
	`order)s? (?:[\w-]+ )?(?:is|are|can|cannot|costs?|must|will|may|takes?|needs?|has|have|includes?|starts?)\b`)

// reTellUs is said to callers: "Let us know a day before if you can't make it".
var reTellUs = regexp.MustCompile(`^(?i)(?:please )?(?:let|tell|give|send|ask|notify|inform|remind) us\b`)

func isOrder(s string) bool {
	switch {
	case reNounFirst.MatchString(s), reTellUs.MatchString(s):
		return false
	case takesDown(s), reOrderVerb.MatchString(s), reKeep.MatchString(s), reUse.MatchString(s):
		return true
	case reYou.MatchString(s) && !reToYou.MatchString(s):
		return true
	}
	if m := reNot.FindStringSubmatch(s); m != nil && reAgentVerb.MatchString(m[1]) {
		return true
	}
	return reCaller.MatchString(s)
}

// tellIn finds what is to be told, also behind another order: "thank the caller and say that …".
func tellIn(order string) []string {
	if m := reTell.FindStringSubmatch(order); m != nil {
		return m
	}
	for _, loc := range reJoint.FindAllStringIndex(order, -1) {
		if m := reTell.FindStringSubmatch(order[loc[1]:]); m != nil {
			return m
		}
	}
	return nil
}

var (
	reJoint = regexp.MustCompile(`(?i),? (?:and then|and|then) `)
	// What the agent is told to do itself.
	reYouWill = regexp.MustCompile(`^(?i)you(?: will|'ll|’ll) (call|pass|forward|get back|let|send|confirm|check|ask|note|contact|ring|` +
		`reply|tell|leave|see)\b`)
)

// toYou turns what is to be told about callers into what is told to one.
var toYou = strings.NewReplacer("They are", "You are", "they are", "you are", "They ", "You ", "they ", "you ", " their ", " your ", " them", " you")

var reTheCaller = regexp.MustCompile(`^(?i)(?:the |an? |any |all )?(?:callers?|customers?|guests?|patients?|clients?|owners?|students?|` +
	`members?) (will|can|must|should|may|need|have|get|receive)\b`)

// factIn turns "tell callers that X" and "say that X" into X. It gives nothing when X is about the agent itself.
func factIn(o order) (string, bool) {
	m := tellIn(o.text)
	if m != nil {
		m[1] = reTheCaller.ReplaceAllString(m[1], "you $1")
	}
	if m == nil || reIgnore.MatchString(m[1]) || reCaller.MatchString(m[1]) || len(strings.Fields(m[1])) < 3 {
		return "", false
	}
	if strings.HasPrefix(strings.ToLower(m[1]), "they ") {
		m[1] = toYou.Replace(m[1])
	}
	m[1] = reYouWill.ReplaceAllString(m[1], "I will $1")
	fact := strings.Trim(strings.ReplaceAll(m[1], " and that ", " and "), `"'“” `)
	return capital(stopped(fact)), true
}

var (
	reAnswerFor = regexp.MustCompile(`^(?i)you (?:answer|take|handle|pick up|receive)(?: the)?(?: phone| phones| calls| telephone|` +
		` customers| callers| phone calls)*(?: calls)? (?:of|for|at|from) (.+)$`)
	reWorkFor  = regexp.MustCompile(`^(?i)you (?:work for|represent|speak for) (.+)$`)
	reYouAre   = regexp.MustCompile(`^(?i)you(?: are|'re) (.+)$`)
	reSomebody = regexp.MustCompile(`^(?:an? |the )|^[A-Z]`)
)

// identity turns the order that says who the agent is into what it says of itself.
func identity(o order) (string, bool) {
	if o.condition != "" || reIgnore.MatchString(o.text) {
		return "", false
	}
	for _, re := range []*regexp.Regexp{reAnswerFor, reWorkFor} {
		if m := re.FindStringSubmatch(o.text); m != nil {
			return "This is " + stopped(m[1]), true
		}
	}
	if m := reYouAre.FindStringSubmatch(o.text); m != nil && reSomebody.MatchString(m[1]) {
		return "I am " + stopped(m[1]), true
	}
	return "", false
}
