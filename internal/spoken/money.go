package spoken

import (
	"regexp"
	"strings"
)

// coin names a currency: one, many, a hundredth, hundredths.
type coin struct{ one, many, cent, cents string }

var (
	dollar = coin{"dollar", "dollars", "cent", "cents"}
	euro   = coin{"euro", "euros", "cent", "cents"}
	pound  = coin{"pound", "pounds", "penny", "pence"}
	yen    = coin{"yen", "yen", "", ""}
	rupee  = coin{"rupee", "rupees", "paisa", "paise"}
	coins  = map[string]coin{"$": dollar, "US$": dollar, "USD": dollar, "€": euro, "EUR": euro, "£": pound, "GBP": pound, "¥": yen, "₹": rupee,
		"dollars": dollar, "euros": euro, "pounds": pound,
		"CA$": {"Canadian dollar", "Canadian dollars", "cent", "cents"}, "A$": {"Australian dollar", "Australian dollars", "cent", "cents"},
		"R$": {"real", "reais", "centavo", "centavos"}}
	large = map[string]string{"k": "thousand", "m": "million", "bn": "billion", "b": "billion"}
	per   = map[string]string{"hr": "hour", "h": "hour", "mo": "month", "yr": "year", "wk": "week", "pp": "person", "lb": "pound", "kg": "kilogram"}
)

const sum = `((?:\d{1,3}(?:,\d{3})+|\d+)(?:[.,]\d{1,2})?)`

var (
	rePrice       = regexp.MustCompile(`^(-)?(US\$|CA\$|A\$|R\$|[$€£¥₹]|USD|EUR|GBP) ?` + sum)
	rePriceBehind = regexp.MustCompile(`^` + sum + `()(?: ?([$€£¥]|USD\b|EUR\b|GBP\b)| (dollars|euros|pounds)\b)`)
	reLarge       = regexp.MustCompile(`^ ?(hundred|thousand|million|billion|trillion|bn|[kKmMbB])\b`)
	reUpTo        = regexp.MustCompile(`^ ?[-–—] ?(?:US\$|[$€£¥₹])?` + sum)
	rePer         = regexp.MustCompile(`^ ?/ ?([a-z]+)`)
	reArticle     = regexp.MustCompile(`(?i)\ban? $`)
)

// price says "$4.50" as "four dollars and fifty cents", with what may follow: "$60–80/night", "$3.2 million".
func price(c cursor) (string, int) {
	m := rePrice.FindStringSubmatch(c.rest)
	if m == nil {
		return "", 0
	}
	if n := len(m[0]); m[1] != "" {
		said, n := amount(c, coins[m[2]], m[3], n)
		return "minus " + said, n
	}
	return amount(c, coins[m[2]], m[3], len(m[0]))
}

// priceBehind says "60 €" and "4.50 euros". Whole numbers in front of a word stay as they are.
func priceBehind(c cursor) (string, int) {
	m := rePriceBehind.FindStringSubmatch(c.rest)
	if m == nil || m[3] == "" && !strings.ContainsAny(m[1], ".,") {
		return "", 0
	}
	return amount(c, coins[m[3]+m[4]], m[1], len(m[0]))
}

// amount says so much money; n bytes are read, and what belongs to it behind them is read as well.
func amount(c cursor, unit coin, figure string, n int) (string, int) {
	figure = normal(figure)
	if r := c.rest[n:]; digit(r) { // more decimals than money has
		return "", 0
	}
	said := ""
	if m := reLarge.FindStringSubmatch(c.rest[n:]); m != nil {
		n += len(m[0])
		word := m[1]
		if w, ok := large[strings.ToLower(word)]; ok {
			word = w
		}
		said = Decimal(figure) + " " + word + " " + unit.many
	} else if m := reUpTo.FindStringSubmatch(c.rest[n:]); m != nil && closed(c.rest[n+len(m[0]):]) {
		n += len(m[0])
		upper := normal(m[1])
		if strings.Contains(figure+upper, ".") {
			said = unit.say(figure) + " to " + unit.say(upper)
		} else {
			said = Cardinal(figure) + " to " + unit.say(upper)
		}
	} else if reArticle.MatchString(c.before) && strings.HasPrefix(c.rest[n:], " ") && !strings.Contains(figure, ".") { // "a $60 fee"
		said = Cardinal(figure) + " " + unit.one
	} else {
		said = unit.say(figure)
	}
	if m := rePer.FindStringSubmatch(c.rest[n:]); m != nil {
		n += len(m[0])
		word := m[1]
		if w, ok := per[word]; ok {
			word = w
		}
		said += " per " + word
	}
	return said, n
}

// normal writes a figure without commas for thousands and with a point for decimals.
func normal(figure string) string {
	if i := len(figure) - 3; i > 0 && figure[i] == ',' {
		figure = figure[:i] + "." + figure[i+1:]
	}
	if i := len(figure) - 2; i > 0 && figure[i] == ',' {
		figure = figure[:i] + "." + figure[i+1:]
	}
	return strings.ReplaceAll(figure, ",", "")
}

func (u coin) say(figure string) string {
	whole, part, _ := strings.Cut(figure, ".")
	if len(part) == 1 {
		part += "0"
	}
	main, rest := Cardinal(whole)+" "+u.many, ""
	if strings.TrimLeft(whole, "0") == "1" {
		main = "one " + u.one
	}
	switch n := value(part); {
	case n == 0 || u.cent == "":
		return main
	case n == 1:
		rest = "one " + u.cent
	default:
		rest = Cardinal(part) + " " + u.cents
	}
	if value(whole[:min(len(whole), 9)]) == 0 {
		return rest
	}
	return main + " and " + rest
}

var rePercent = regexp.MustCompile(`^(\d+(?:[.,]\d+)?)%?(?: ?[-–] ?(\d+(?:[.,]\d+)?))? ?%`)

// percent says "10–12.5%".
func percent(c cursor) (string, int) {
	m := rePercent.FindStringSubmatch(c.rest)
	if m == nil {
		return "", 0
	}
	said := Decimal(strings.ReplaceAll(m[1], ",", "."))
	if m[2] != "" {
		said += " to " + Decimal(strings.ReplaceAll(m[2], ",", "."))
	}
	return said + " percent", len(m[0])
}
