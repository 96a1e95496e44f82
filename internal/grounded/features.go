package grounded

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// kind is what sort of answer a question asks for, or what sort of value a sentence holds.
type kind uint32

const (
	kindPrice kind = 1 << iota
	kindTime
	kindOpen // when the business is open; its sentences hold a time too
	kindPlace
	kindPerson
	kindDuration
	kindDistance
	kindCount
	kindPhone
	kindAddress // the place of the business itself
	kindAge
	kindNeed // what the caller has to have or bring
	kindReason
	kindMonth // a sentence that names months
	kindSince // for how long something has existed

	kindAny kind = 0
)

// days is a set of weekdays, bit 0 for Sunday.
type days uint8

const (
	weekdays days = 0b0111110
	weekend  days = 0b1000001
	everyDay days = 0b1111111
)

var dayNames = map[string]time.Weekday{"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
	"sun": 0, "mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thurs": 4, "fri": 5, "sat": 6}

func weekday(w string) (time.Weekday, bool) {
	d, ok := dayNames[strings.TrimSuffix(w, "s")]
	if !ok {
		d, ok = dayNames[w]
	}
	return d, ok
}

// daysIn collects the weekdays that the words name, ranges included.
func daysIn(ws []string) days {
	var set days
	for i, w := range ws {
		from, ok := weekday(w)
		switch {
		case ok && i+2 < len(ws) && isOneOf(ws[i+1], "to", "through", "till", "until"):
			if to, ok := weekday(ws[i+2]); ok {
				for d := from; ; d = (d + 1) % 7 {
					set |= 1 << d
					if d == to {
						break
					}
				}
				continue
			}
			set |= 1 << from
		case ok:
			set |= 1 << from
		case w == "weekdays", w == "weekday", w == "week" && i > 1 && ws[i-1] == "the" && isOneOf(ws[i-2], "during", "in", "through"):
			set |= weekdays
		case w == "weekends" || w == "weekend":
			set |= weekend
		case w == "daily", w == "every" && i+1 < len(ws) && ws[i+1] == "day", w == "7" && i+1 < len(ws) && ws[i+1] == "days":
			set |= everyDay
		}
	}
	return set
}

func isOneOf(w string, set ...string) bool { return slices.Contains(set, w) }

const months = `january|february|march|april|may|june|july|august|september|october|november|december`

// What the words of a sentence look like when they hold a value of a kind. They run over words joined by spaces, numbers as digits.
var (
	reHoldsPrice = regexp.MustCompile(`\b\d+(\.\d+)? (euros?|dollars?|pounds?|cents?|usd|eur|francs?|percent|bucks|reais|pence)\b|\bfree\b|` +
		`\bhalf( the)? price\b|\bpays? half\b` +
		`|\b(price|fee|cost|rate)s? (depends?|varies|vary)\b|\bno (extra |additional )?(charge|fee|cost)s?\b` +
		`|\bincluded?\b|\bat no cost\b|\bcomplimentary\b|\bon us\b|\bon the house\b|\bsame price\b|\b(a|an|the|for) quotes?\b|\bfor an extra\b|\bsurcharge\b`)
	reHoldsTime = regexp.MustCompile(`\b\d{1,2}(:\d\d)? (am|pm|o clock)\b|\b\d{1,2}:\d\d\b|\bnoon\b|\bmidnight\b|\b\d{1,2} (to|until|` +
		`till) \d{1,2}\b|\b(daily|every day|weekdays?|weekends?)\b` +
		`|\baround the clock\b|\b24 hours\b|\b(after|before|within|until|from|up to|in) \d+ (working )?(minutes?|hours?|days?|weeks?|` +
		`months?)\b|\bsame day\b|\bhalf an hour (before|after)\b|\b(an|1) hour (before|after)\b|\bevery (\d+ |half )?(hours?|days?|weeks?|` +
		`months?|years?)\b|\b(once|twice|\d+ times) (a|per) (day|week|month|year)\b` +
		`|\b(` + months + `)\b|\bby (appointment|arrangement)\b|\b(until|till|by|before) the (\w+ )?(day|evening|night|morning|week|month|end)\b|` +
		`\bthe (day|evening|night|morning|week) before\b|\bclosed\b`)
	reHoldsPlace = regexp.MustCompile(`\b(street|st|road|rd|avenue|ave|lane|way|square|boulevard|drive|place|floor|opposite|behind|` +
		`in front of|next to|near|corner|garage|station|building|downtown|upstairs|pier|entrance)\b` +
		`|\bon foot\b|\blocated\b|\baddress\b|\bstops? (at|in)\b|\b(at|in|under|inside|beside|through|on) (the|our|a) \w+`)
	reHoldsAddress  = regexp.MustCompile(`\b(street|st|road|rd|avenue|ave|lane|way|square|boulevard|drive|court|quay|plaza|pier|located|address)\b`)
	reHoldsDuration = regexp.MustCompile(`\b(\d+|an?|half an|half) (\w+ )?(minutes?|hours?|days?|weeks?|months?|years?)\b|\bsame day\b|` +
		`\bsince \d{4}\b|\bovernight\b|\bhalf an hour\b`)
	reHoldsDistance = regexp.MustCompile(`\b\d+ (minutes?|metres?|meters?|kilometres?|kilometers?|km|miles?|yards|feet|blocks?)\b|` +
		`\bnext to\b|\bopposite\b|\bacross\b`)
	reClockSpan  = regexp.MustCompile(`\b\d{1,2}(:\d\d)?( [ap]m)? (to|until|till) (noon|midnight|\d{1,2})`)
	reHoldsPhone = regexp.MustCompile(`\b\d{3,}( \d{2,})+\b|\b\d{6,}\b`)
	reHoldsNeed  = regexp.MustCompile(`\b(need|needs|needed|bring|bringing|required?|must|show|have to|please|wear)\b`)
	reHoldsSince = regexp.MustCompile(`\bsince (\d{4}|the)\b|\b(founded|established|opened|started) in\b|\bfor (over |more than |almost |` +
		`nearly )?\d+ years\b|\byears of experience\b`)
	reHoldsReason = regexp.MustCompile(`\b(because|since|due to|reason|so that|in order to)\b`)
	reHoldsMonth  = regexp.MustCompile(`\b(` + months + `)\b`)
	reHoldsAge    = regexp.MustCompile(`\b(age|aged|ages|years? old|minimum age|adults only|must be \d+|\d+ (or|and) (older|over|above|` +
		`up))\b|\b(under|over|below|above|at least|from) (the age of )?\d+( (years?|or|and|are|is|to \d+ years|pay|may|must|have|get|` +
		`months to \d+ years)\b|$)|\bfrom \d+ (years|months) to\b`)
	reHouse = regexp.MustCompile(`\b\d+[a-z]? (?:[\p{L}.']+ ){1,3}(street|st|road|rd|avenue|ave|lane|way|square|boulevard|drive|` +
		`court|quay|plaza|place|hill|row|close|terrace|gardens|highway)\b|\bpier \d+\b`)
	reHoldsCount = regexp.MustCompile(`\b\d+\b`)
	reOpenWords  = regexp.MustCompile(`\b(open|opens|opening|close|closes|closed|[a-z]+ hours|^hours|available|reachable|here|daily|` +
		`around the clock)\b`)
	reAddressName = regexp.MustCompile(`\b\d{1,4}[a-z]? [A-Z][a-z]+ [A-Z][a-z]+`)
	reWhere       = regexp.MustCompile(`\b(address|location|directions|getting here|how to find|find us|where we are|arrival|contact|visit us)\b`)
	reOurPlace    = regexp.MustCompile(`^(?:we|you (?:can |will )?find us|our (?:\w+ )?(?:office|shop|store|clinic|practice|studio|` +
		`restaurant|school|warehouse|garage|salon|gym|centre|center|hall|hotel|branch)|the (?:\w+ )?(?:office|shop|store|clinic|practice|` +
		`studio|restaurant|school|salon|gym|centre|center|hall|hotel|museum|theatre|entrance)) `)
	reFromPlace = regexp.MustCompile(`\b(?:from|in) [A-Z][a-z]{2,}`)
	reMust      = regexp.MustCompile(`\b(have to|need to|must|required)\b`)
	reWhatWeDo  = regexp.MustCompile(`^what (else )?(do|can) you (do|offer|provide|sell|have|make)$|^(what|which) (kinds? of |` +
		`sorts? of |types? of )?(work|services?|things|products?|treatments?) (do|can) you (do|offer|provide|sell|have)$|^what (services?|` +
		`products?) (are there|are available)$`)
	reServices = regexp.MustCompile(`\b(services?|offers?|products?|treatments?|what we (do|offer)|our work)\b`)
	// A sentence that speaks of the business as a whole being open.
	reOpenSelf = regexp.MustCompile(`^(?:we(?: are|'re|’re| open| close)(?: (?:open|here|there|available|reachable|closed|in))? ?|(?:the |` +
		`our )?(?:office|shop|store|clinic|practice|restaurant|bistro|salon|gym|garage|workshop|centre|center|surgery|business|reception|desk|team|` +
		`opening (?:hours|times)|(?:business |office |consultation |working )?hours|school|studio|museum|library|bakery|cafe|bar|pharmacy|` +
		`showroom) |open |closed |you can reach us|[\p{L}' &]+ (?:is|are) open )`)
	reNamePerson = regexp.MustCompile(`\b(?:Dr|Mr|Mrs|Ms|Doctor)\.? [A-Z]|\S [A-Z][a-z]+ [A-Z][a-z]+|\b(?:with|by|trainer|barbers are|` +
		`lawyer) [A-Z][a-z]+|^[A-Z][a-z]+ [A-Z][a-z]+ |\([A-Z][a-z]+\)|\b[A-Z][a-z]{2,} (?:teach(?:es)?|runs?|leads?|is named|sees|treats?|` +
		`speciali[sz]es)\b|\bnamed [A-Z]|^Our [a-z]+ (?:is|are) |^[A-Z][a-z]+ (?:is (?:our|the|a)|does|handles|teaches|treats|` +
		`works|looks|leads|cuts|speciali[sz]es|runs) |\b(?i:customers?|owners?|doctors?|staff|team|colleagues?|manager|landlord|tenant|buyer|` +
		`seller|parents?|guests?|patients?|therapists?|mechanics?|vets?|trainers?|lawyers?|notary)\b`)
)

// holds says which kinds of value a sentence has to give.
func holds(text string, ws []string) kind {
	joined := strings.Join(ws, " ")
	var k kind
	for _, p := range []struct {
		re *regexp.Regexp
		k  kind
	}{{reHoldsPrice, kindPrice}, {reHoldsTime, kindTime}, {reHoldsPlace, kindPlace}, {reHoldsDuration, kindDuration}, {reHoldsDistance, kindDistance},
		{reHoldsPhone, kindPhone}, {reHoldsCount, kindCount}, {reHoldsAddress, kindAddress}, {reHoldsAge, kindAge}, {reHoldsNeed, kindNeed},
		{reHoldsMonth, kindMonth}, {reHoldsReason, kindReason}, {reHoldsSince, kindSince}} {
		if p.re.MatchString(joined) {
			k |= p.k
		}
	}
	if daysIn(ws) != 0 {
		k |= kindTime
	}
	if k&kindTime != 0 && reOpenWords.MatchString(joined) {
		k |= kindOpen
	}
	if strings.Contains(text, "@") || reFromPlace.MatchString(text) {
		k |= kindPlace
	}
	if reAddressName.MatchString(text) {
		k |= kindAddress | kindPlace
	}
	if reNamePerson.MatchString(text) {
		k |= kindPerson
	}
	return k
}

// What a question of a kind sounds like, the first that fits wins.
var asks = []struct {
	re *regexp.Regexp
	k  kind
}{
	{regexp.MustCompile(`\bhow (long|many years) (have|has)\b.*\b(been|existed|around|run|running|had|done)\b|\bsince when\b|\b(was|` +
		`were) \w+( \w+)? (founded|established)\b`), kindSince},
	{regexp.MustCompile(`\bhow long\b|\bhow much time\b|\bhow many (minutes|hours|days|weeks|months|years)\b`), kindDuration},
	{regexp.MustCompile(`\bhow (far|long|many days|many weeks) (ahead|in advance|before)\b`), kindDuration},
	{regexp.MustCompile(`\bhow far\b|\bwhat distance\b`), kindDistance},
	{regexp.MustCompile(`\bhow much\b|\bwhat (do|would|will|did) (i|we|\w+) (have to )?(pay|owe)\b|` +
		`\b(set|sets|setting) (me|us) back\b|\bwhat (do|does|would|will|is|are|can|should) (\w+ ){0,6}(cost|costs|run|runs|charge|come to|go for|goes for|budget|spend)\b|` +
		`\bwhat (do|would|will) you (take|want|ask) for\b|\b(do|would|will|must|should) (i|we|you) (have to |need to )?(pay|charge)( extra| more)? for\b|` +
		`\b(is|are) (\w+ ){1,4}(extra|free|complimentary)$|\bwhat would that be\b|` +
		`\b(prices?|costs?|fees?|rates?|charges?|charged|expensive|cheap|cheaper|cheapest|pricey|pricing)\b`), kindPrice},
	{regexp.MustCompile(`\b(phone|telephone|mobile) number\b|\b(who|where) (do|can|should|must) (i|we) (call|ring|contact|phone)\b|` +
		`\bnumber (for|to call|of the)\b|\bwhat number\b`), kindPhone},
	{regexp.MustCompile(`^(\w+ )?why\b|\b(know|tell|me|and|reason) why\b|\bhow come\b`), kindReason},
	{regexp.MustCompile(`\bwhat (\w+ )?(do|will|would|should|must) (i|we|you) (need|bring|have to (bring|have|show))\b`), kindNeed},
	{regexp.MustCompile(`\bhow (old|young)\b|\b(what|which|minimum) age\b|\bage limit\b`), kindAge},
	{regexp.MustCompile(`\bhow many\b`), kindCount},
	{regexp.MustCompile(`\b(are|is|were|be|you|it|stay|still) (\w+ )?(open|opened|closed)\b|\b(opening|business|office|consultation|` +
		`working) (hours|times)\b|\byour hours\b|\bwhat hours\b` +
		`|\b(do|are|can|will) you (\w+ )?(shut|close|closed|closing|work|working|open)\b (on|at|over|during|before|after|tonight|today|tomorrow|\w+day)` +
		`|\bhow (late|early) (can|could|may) (i|we) (come|drop|stop|visit|call|be)\b|\bhow (late|early|long) (are|do|will) you( \w+)? (there|here|` +
		`open|stay open|close|work|in)\b|\b(shut|close|open|closed)$` +
		`|\b(are|is) (you|anyone|anybody|someone|somebody) (there|here|in|available|reachable)\b|\b(do|does|will) (you|it|the \w+|` +
		`the \w+ \w+) (open|close)\b|\bopen (on|at|till|until|today|tomorrow|\w+day)\b`), kindOpen},
	{regexp.MustCompile(`^(\w+ )?when\b|\b(know|tell|me|and|or|until|till|since|from|by|but|ask) when\b|\bwhat (time|day|days|times)\b|` +
		`\bwhich days?\b|\bhow (late|early|soon|often)\b|\buntil what\b|\bhow fast\b`), kindTime},
	{regexp.MustCompile(`\bwhere (exactly |abouts )?(are|is) you\b|\bwhereabouts\b|\bget to (you|your)\b|\bwhat floor\b|\bwhich floor\b|` +
		`\bwhere are you\b|\b(your|the|what|an) address\b|\byou located\b|\bfind you\b|\bwhere is (your|` +
		`the) (\w+ )?(office|shop|practice|clinic|store|restaurant|hotel|gym|salon|garage|bistro)\b`),
		kindAddress},
	{regexp.MustCompile(`^(\w+ )?where\b|\b(know|tell|me|and|or|from|but|ask) where\b|\bdirections\b|\bwhich (street|floor)\b`), kindPlace},
	{regexp.MustCompile(`^(\w+ )?who\b|\b(know|tell|me|and|or|from|but|ask|to|with) who\b|\bwhose\b`), kindPerson},
}

// asked says what sort of answer the words ask for.
func asked(joined string) kind {
	for _, a := range asks {
		if a.re.MatchString(joined) {
			return a.k
		}
	}
	return kindAny
}

// monthStems are the stems of the months' names.
var monthStems = func() map[string]bool {
	set := map[string]bool{}
	for _, m := range strings.Split(months, "|") {
		set[stem(m)] = true
	}
	delete(set, "may")
	return set
}()
