package spoken_test

import (
	"testing"

	"github.com/parley-voice/parley/internal/spoken"
)

// said pairs a text with what people say.
type said struct{ text, want string }

func check(t *testing.T, british bool, cases []said) {
	t.Helper()
	for _, c := range cases {
		if got := spoken.Words(c.text, british); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

func TestPrices(t *testing.T) {
	check(t, false, []said{
		{"It costs $60.", "It costs sixty dollars."},
		{"That is $1, or $1.01.", "That is one dollar, or one dollar and one cent."},
		{"Only €4.50!", "Only four euros and fifty cents!"},
		{"Only €4,50 or 12,5 €.", "Only four euros and fifty cents or twelve euros and fifty cents."},
		{"£3.20 and £0.99", "three pounds and twenty pence and ninety-nine pence"},
		{"It is $1,250.", "It is one thousand two hundred fifty dollars."},
		{"It is $60.00, not 60 dollars.", "It is sixty dollars, not 60 dollars."},
		{"4.50 euros", "four euros and fifty cents"},
		{"60 €, 60 USD, ¥500", "sixty euros, sixty dollars, five hundred yen"},
		{"$3.2 million, $5k", "three point two million dollars, five thousand dollars"},
		{"$60-80 or $60–$80", "sixty to eighty dollars or sixty to eighty dollars"},
		{"$120/night, $50/hr", "one hundred twenty dollars per night, fifty dollars per hour"},
		{"a $60 fee, an $80 one", "a sixty dollar fee, an eighty dollar one"},
		{"-$5", "minus five dollars"},
	})
}

func TestClockTimes(t *testing.T) {
	check(t, false, []said{
		{"We open at 8 am.", "We open at eight A.M."},
		{"We open at 8 a.m. Please come.", "We open at eight A.M. Please come."},
		{"We open at 8 a.m. on Monday", "We open at eight A.M on Monday"},
		{"8:30pm", "eight thirty P.M"},
		{"at 17:30, 9:00, 9:05", "at five thirty P.M, nine o'clock, nine oh five"},
		{"17:00 and 13:05", "five P.M and one oh five P.M"},
		{"00:00 and 00:15 and 12:00", "midnight and twelve fifteen A.M and twelve o'clock"},
		{"9:00–17:00", "nine o'clock to five P.M"},
		{"9am-5pm", "nine A.M to five P.M"},
		{"9-11 am", "nine to eleven A.M"},
		{"a score of 9:75", "a score of 9:75"},
		{"24/7", "twenty-four seven"},
	})
}

func TestDates(t *testing.T) {
	check(t, false, []said{
		{"2026-11-28", "November twenty-eighth, twenty twenty-six"},
		{"at 2026-11-28T09:30:00Z", "at November twenty-eighth, twenty twenty-six at nine thirty"},
		{"11/28/2026", "November twenty-eighth, twenty twenty-six"},
		{"28/11/26", "November twenty-eighth, twenty twenty-six"},
		{"3.11.2026", "November third, twenty twenty-six"},
		{"Nov 3rd", "November third"},
		{"Nov. 3, 2005", "November third, two thousand five"},
		{"November 3 at 5", "November third at 5"},
		{"Nov 3–5", "November third to fifth"},
		{"28 Nov 2026", "November twenty-eighth, twenty twenty-six"},
		{"the 3rd of November", "the third of November"},
		{"3rd of Nov.", "the third of November."},
		{"Nov 2026, Nov–Dec", "November twenty twenty-six, November to December"},
		{"on 11/28 we ate 1/2", "on November twenty-eighth we ate 1/2"},
		{"Jan called, May I?", "Jan called, May I?"},
		{"the 21st and 3rd–5th", "the twenty-first and third to fifth"},
	})
}

func TestRanges(t *testing.T) {
	check(t, false, []said{
		{"8-18", "8 to 18"},
		{"3–5 days, 10-15km", "3 to 5 days, 10 to 15km"},
		{"Mon–Fri", "Monday to Friday"},
		{"Monday-Friday", "Monday to Friday"},
		{"Mon-Sat 8-18", "Monday to Saturday 8 to 18"},
		{"Sat/Sun", "Saturday and Sunday"},
		{"Tue. or Thurs", "Tuesday or Thursday"},
		{"Fri, Sat and Sun", "Friday, Saturday and Sunday"},
		{"We sat in the Sun.", "We sat in the Sun."},
		{"Sat 9:00", "Saturday nine o'clock"},
		{"2020-2025", "2020 to 2025"},
	})
}

func TestTelephoneNumbers(t *testing.T) {
	check(t, false, []said{
		{"Call 555-1234.", "Call five five five, one two three four."},
		{"415-555-0100", "four one five, five five five, zero one zero zero"},
		{"(415) 555-0100", "four one five, five five five, zero one zero zero"},
		{"+1 415 555 0100", "plus one, four one five, five five five, zero one zero zero"},
		{"+14155550100", "plus one, four one five, five five five, zero one zero zero"},
		{"4155550100", "four one five, five five five, zero one zero zero"},
		{"+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"},
		{"020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"},
		{"1-800-555-0199", "one, eight hundred, five five five, zero one nine nine"},
		{"1-800-FLOWERS", "one, eight hundred, Flowers"},
		{"555-1234 ext. 20", "five five five, one two three four, extension two zero"},
	})
}

func TestAddresses(t *testing.T) {
	check(t, false, []said{
		{"12 Main St.", "twelve Main Street."},
		{"We are at 12 Main St., Boston, MA 02110.", "We are at twelve Main Street, Boston, Massachusetts, zero two one one zero."},
		{"350 N. Oak Ave Suite 200", "three fifty North Oak Avenue Suite 200"},
		{"1204 5th Ave", "twelve oh-four fifth Avenue"},
		{"12B Baker St", "twelve B Baker Street"},
		{"45 Oak Dr.", "forty-five Oak Drive."},
		{"on Main St. near St. James", "on Main Street near Saint James"},
		{"Visit St. Mary's, Apt. 4B", "Visit Saint Mary's, Apartment 4B"},
		{"SW1A 1AA", "S W one A, one A A"},
	})
}

func TestMailAndWeb(t *testing.T) {
	check(t, false, []said{
		{"Write to info@example.com.", "Write to info at example dot com."},
		{"anna.smith99@north-side.co.uk", "anna dot smith ninety-nine at north dash side dot co dot U K"},
		{"Go to https://www.example.com/book?x=1, please.", "Go to example dot com slash book, please."},
		{"example.com.", "example dot com."},
		{"e.g. this", "for example this"},
	})
}

func TestSpelledNamesAndCodes(t *testing.T) {
	check(t, false, []said{
		{"S-M-I-T-H", "S, M, I, T, H"},
		{"It is S M I T H.", "It is S, M, I, T, H."},
		{"an X-ray, a T-shirt", "an X-ray, a T-shirt"},
		{"4-2-7", "four, two, seven"},
		{"AB1234", "A B, one two three four"},
		{"Your confirmation number is 483920.", "Your confirmation number is four eight three, nine two zero."},
		{"PIN 0042, room 204", "PIN zero zero four two, room 204"},
		{"#12 and #48392", "number 12 and number four eight three nine two"},
		{"B12 and 3D", "B12 and 3D"},
	})
}

func TestPercentages(t *testing.T) {
	check(t, false, []said{
		{"20% off, 12.5 %", "twenty percent off, twelve point five percent"},
		{"10-20%", "ten to twenty percent"},
	})
}

func TestAbbreviations(t *testing.T) {
	check(t, false, []said{
		{"Dr. Lee, Dr Lee", "Doctor Lee, Doctor Lee"},
		{"cuts, colour, etc. We do it all", "cuts, colour, et cetera. We do it all"},
		{"No. 5", "Number 5"},
		{"No. We are closed.", "No. We are closed."},
		{"approx. 5 mins", "approximately 5 minutes"},
		{"you & me", "you and me"},
		{"w/ or w/o sugar and/or milk", "with or without sugar and/or milk"},
		{"Tom & Co", "Tom and Co"},
	})
}

func TestMarkdownAndLines(t *testing.T) {
	check(t, false, []said{
		{"**Bold** and `code` and [here](https://x.com)", "Bold and code and here"},
		{"# Hours\n- Monday\n- Friday", "Hours. Monday. Friday"},
		{"Say [Parley](/pˈɑɹli/)", "Say [Parley](/pˈɑɹli/)"},
	})
}

func TestPlainTextStays(t *testing.T) {
	check(t, false, []said{
		{"Hello, how are you?", "Hello, how are you?"},
		{"I have 3 rooms for 2 people.", "I have 3 rooms for 2 people."},
		{"", ""},
	})
}

func TestBritishDates(t *testing.T) {
	check(t, true, []said{
		{"2026-11-28", "the twenty-eighth of November, twenty twenty-six"},
		{"3/11/2026", "the third of November, twenty twenty-six"},
		{"on the 28 Nov", "on the twenty-eighth of November"},
		{"Nov 3rd", "the third of November"},
	})
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{spoken.Cardinal("0"), "zero"},
		{spoken.Cardinal("1000000"), "one million"},
		{spoken.Cardinal("12345"), "twelve thousand three hundred forty-five"},
		{spoken.Ordinal("112"), "one hundred twelfth"},
		{spoken.Ordinal("20"), "twentieth"},
		{spoken.Year("1905"), "nineteen oh-five"},
		{spoken.Year("2000"), "two thousand"},
		{spoken.Year("1900"), "nineteen hundred"},
		{spoken.Decimal("3.140"), "three point one four"},
		{spoken.Digits("007"), "zero zero seven"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"$60-80/night", "+1 (415) 555", "Nov–Dec 3", "12 Main St. Apt", "a@b.c", "1/2/3", "é.№\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := spoken.Words(text, false); len(got) > 200+40*len(text) {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	})
}
