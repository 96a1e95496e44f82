"""Writes phonemes.tsv.gz: sentences with the phonemes that the reference gives them, American and British.

    pip install hibari-tts==0.2.1 && python reference.py

Each line is text<TAB>American<TAB>British. The sentences are what agents say (made from the templates below, always the same
ones), and carriers for words drawn from the lexicon, with endings, to try the rules of inflection.
"""
import gzip, itertools, json, os, random

from hibari import g2p

R = random.Random(20261124)

FIRST = """Anna Marcus Priya Liam Chloe Diego Fatima Hiroshi Ingrid Jamal Katarzyna Luca Mei Nikolai Olufemi Patricia Quentin Rosa
Siobhan Tomasz Uma Viktor Wendy Xavier Yusuf Zoe Aoife Bjorn Caoimhe Dmitri Esme Giancarlo Helena Ismail Joaquin Keira""".split()
LAST = """Smith Johnson Nguyen Patel Kowalski O'Brien MacDonald Garcia Fernandez Schneider Dubois Rossi Yamamoto Okafor Lindqvist
Papadopoulos Ivanov Al-Masri Wojcik Featherstonehaugh Abernathy Castellanos Vandermeer Szymanski Quigley Tremblay Delacroix Hargreaves
Blythe Zielinski""".split()
TITLE = ["Dr.", "Mr.", "Mrs.", "Ms.", "Prof.", "Dr", "Mr"]
DAY = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTH = "January February March April May June July August September October November December".split()
SHORT = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Sept".split()
DISH = """lasagna|grilled salmon|mushroom risotto|Caesar salad|chicken tikka masala|pad thai|tiramisu|crème brûlée|fish and chips|beef bourguignon
|gazpacho|pho|bruschetta|paella|gnocchi|bouillabaisse|jalapeño poppers|quesadilla|hummus|falafel wrap|sourdough toast|eggs Benedict
|lobster bisque|prosciutto|key lime pie|cappuccino|Sauvignon Blanc|Pinot Noir""".replace("\n", "").split("|")
TREATMENT = """teeth cleaning|root canal|flu shot|physical exam|blood test|eye exam|ultrasound|physiotherapy session|X-ray|MRI scan|skin check
|dermatology consultation|vaccination|allergy test|hearing test|wisdom tooth extraction|orthodontic review|cholesterol screening|mammogram
|colonoscopy|acupuncture|chiropractic adjustment|deep-tissue massage""".replace("\n", "").split("|")
ROOM = """double room|king suite|twin room|family room|ocean-view suite|non-smoking room|penthouse|studio apartment|deluxe queen|
wheelchair-accessible room""".replace("\n", "").split("|")
STREET = """Main St.|Oak Ave.|Maple Rd.|Fifth Avenue|Elm Street|Sunset Blvd.|Church Ln.|Broadway|Market St|King's Road|St. James Street
|Wilshire Blvd.|Old Mill Road|Peachtree Pkwy.""".replace("\n", "").split("|")
CITY = """Boston|Chicago|San Francisco|New York|London|Edinburgh|Seattle|Albuquerque|Worcester|Phoenix|Des Moines|Tucson|Baton Rouge|Leicester
|Houston|Milwaukee|St. Louis|Ft. Worth""".replace("\n", "").split("|")
PLACE = ["clinic", "restaurant", "hotel", "office", "salon", "garage", "pharmacy", "front desk", "spa", "library", "gym", "bank", "museum"]
ADJ = """great quick lovely terrible unusual available convenient separate deliberate appropriate moderate live close present perfect
absent frequent comfortable delicious exquisite complimentary gluten-free dairy-free last-minute well-known state-of-the-art""".split()
VERB = [("book", "booked", "booking"), ("cancel", "cancelled", "cancelling"), ("confirm", "confirmed", "confirming"), ("move", "moved", "moving"),
        ("reschedule", "rescheduled", "rescheduling"), ("read", "read", "reading"), ("record", "recorded", "recording"), ("check", "checked", "checking"),
        ("order", "ordered", "ordering"), ("upgrade", "upgraded", "upgrading"), ("waive", "waived", "waiving"), ("refund", "refunded", "refunding"),
        ("transfer", "transferred", "transferring"), ("note", "noted", "noting"), ("permit", "permitted", "permitting"), ("rate", "rated", "rating")]
BRAND = """Zyntho Quorvex Blenovia TalkFlow MediSoft OpenTable iPhone YouTube WhatsApp PayPal McAllister LaserJet Klarna Vexilon NordWind
eBay GitHub Trivago Lumiqo Brixby Ozempic Lipitor Xarelto ibuprofen amoxicillin paracetamol""".split()
ACRONYM = "FAQ VIP ATM NHS USA UK ID PIN GPS ASAP CEO HR IT ETA RSVP AAA PDF URL SMS OK COVID NASA BMW HDMI LLC DIY".split()
MAIL = ["info@example.com", "anna.smith@clinic.org", "front-desk@hotel.co.uk", "bookings@trattoria.it", "j.doe99@mail.net"]
SITE = ["www.example.com", "https://clinic.org/book", "example.com", "hotel.co.uk", "openhours.io"]


def n(a, b):
    return R.randint(a, b)


def price():
    return R.choice([f"${n(1, 999)}", f"${n(1, 99)}.{n(0, 99):02d}", f"€{n(1, 500)}", f"£{n(1, 80)}.{n(0, 99):02d}", f"${n(1, 9)},{n(0, 999):03d}",
                     f"{n(1, 300)} dollars", f"${n(2, 9)}.{n(1, 9)} million", f"¥{n(100, 9000)}", f"{n(5, 99)}¢", f"$1", f"£1.00", f"€0.{n(10, 99)}",
                     f"{n(10, 99)} USD", f"Rs {n(100, 900)}", f"${n(2, 90)}k"])


def clock():
    h, m = n(1, 12), R.choice([0, 0, 5, 15, 30, 45, n(0, 59)])
    return R.choice([f"{h}:{m:02d}", f"{h}:{m:02d} am", f"{h}:{m:02d}pm", f"{h} am", f"{h}pm", f"{h} p.m.", f"{n(13, 23)}:{m:02d}", f"{h} o'clock",
                     f"{h}:{m:02d} a.m.", f"{h}:{m:02d} P.M.", "noon", "midnight", f"half past {h}", f"{h}a.m."])


def date():
    y, mo, d = n(1950, 2030), n(1, 12), n(1, 28)
    return R.choice([f"{y}-{mo:02d}-{d:02d}", f"{mo}/{d}/{y}", f"{mo}/{d}/{y % 100:02d}", f"{R.choice(MONTH)} {d}", f"{R.choice(SHORT)} {d}",
                     f"{R.choice(SHORT)}. {d}, {y}", f"{R.choice(MONTH)} {d}, {y}", f"{d} {R.choice(MONTH)}", f"the {d} of {R.choice(MONTH)}",
                     f"{R.choice(MONTH)} {d}{ordinal(d)}", f"{d} {R.choice(SHORT)}", f"{mo}/{d}", f"{R.choice(DAY)}, {R.choice(MONTH)} {d}", f"the {d}{ordinal(d)}",
                     f"{R.choice(MONTH)} {y}"])


def ordinal(d):
    return "th" if d in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")


def phone():
    return R.choice([f"{n(200, 999)}-{n(1000, 9999)}", f"{n(200, 999)}-{n(200, 999)}-{n(1000, 9999)}", f"({n(200, 999)}) {n(200, 999)}-{n(1000, 9999)}",
                     f"+1 {n(200, 999)} {n(200, 999)} {n(1000, 9999)}", f"+44 20 {n(1000, 9999)} {n(1000, 9999)}", f"{n(200, 999)}.{n(200, 999)}.{n(1000, 9999)}"])


def amount():
    return R.choice([f"{n(0, 20)}", f"{n(21, 99)}", f"{n(100, 999)}", f"{n(1000, 9999)}", f"{n(1, 9)},{n(0, 999):03d}", f"{n(10, 999)},{n(0, 999):03d}",
                     f"{n(1, 99)}.{n(0, 9)}", f"{n(0, 9)}.{n(0, 99):02d}", f"-{n(1, 40)}", f"{n(1, 9)},{n(0, 999):03d},{n(0, 999):03d}", f"{n(10000, 99999999)}", "0.5", "1,001"])


def measure():
    return R.choice([f"{n(2, 900)} {u}" for u in ("km", "kg", "mg", "ml", "oz", "lbs", "ft", "mi", "cm", "mm", "mins", "hrs", "mph", "sq ft", "GB", "kWh")]
                    + [f"{n(2, 90)}km", f"1 km", f"{n(-9, 40)}°C", f"{n(20, 99)}° F", f"{n(1, 100)}%", f"{n(1, 99)}.5%", f"{n(1, 9)}/{n(2, 10)}", f"{n(1, 99)}-{n(100, 200)}",
                       f"{n(5, 95)} percent", f"{n(10, 99)}x{n(10, 99)}", f"{n(2, 9)}½"])


def code():
    a = "".join(R.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(n(1, 3)))
    return R.choice([f"{a}{n(1, 9999)}", f"{a}-{n(10, 999)}", f"{n(1, 99)}{a[0]}", f"#{n(1, 999)}", f"No. {n(1, 99)}", ", ".join(a), "-".join(R.choice(LAST[:4]).upper()),
                     f"{a[0]}{n(100, 110)}", f"v{n(1, 9)}.{n(0, 20)}.{n(0, 9)}"])


FILL = {
    "first": lambda: R.choice(FIRST), "last": lambda: R.choice(LAST), "title": lambda: R.choice(TITLE), "day": lambda: R.choice(DAY),
    "dish": lambda: R.choice(DISH), "treat": lambda: R.choice(TREATMENT), "room": lambda: R.choice(ROOM), "street": lambda: R.choice(STREET),
    "city": lambda: R.choice(CITY), "place": lambda: R.choice(PLACE), "adj": lambda: R.choice(ADJ), "brand": lambda: R.choice(BRAND),
    "acr": lambda: R.choice(ACRONYM), "mail": lambda: R.choice(MAIL), "site": lambda: R.choice(SITE), "price": price, "time": clock, "date": date,
    "phone": phone, "num": amount, "unit": measure, "code": code, "small": lambda: str(n(2, 12)), "house": lambda: str(n(1, 9999)), "zip": lambda: f"{n(10000, 99999)}",
    "v": lambda: R.choice(VERB)[0], "ved": lambda: R.choice(VERB)[1], "ving": lambda: R.choice(VERB)[2],
}

TEMPLATES = """Thank you for calling the {place}, this is {first}. How can I help you today?
Your {treat} with {title} {last} is on {date} at {time}.
A {treat} costs {price}, and a {dish} costs {price}.
We're open from {time} to {time}, {day} through {day}.
I've {ved} your appointment for {day}, {date}.
Would you like to {v} it, or should I {v} it for you?
The {room} is {price} a night, which includes breakfast for {small} people.
Could you spell your last name for me, please?
So that's {last}, spelled {code}, is that right?
Please call us back at {phone} before {time}.
Our address is {house} {street}, {city}, {zip}.
You can write to {mail} or go to {site} any time.
I'm sorry, we don't have a table for {small} at {time}; would {time} work?
{title} {last} isn't available on {day}, but {title} {first} {last} is.
Today's special is the {dish}, and it's {adj}!
That makes {num} in total, including a {unit} deposit.
Let me check that for you... one moment.
Is {date} okay for you, {first}?
Your confirmation number is {code}.
We {ved} {num} orders in {date}, up {unit} from last year.
Do you want the {dish} with the {dish}, or the {dish}?
The parking lot is about {unit} from the {place}.
Take {unit} of {brand} twice a day, {first}.
I used to {v} it; now I am used to {ving} it.
They live close to {city}, and the show is live at {time}.
She will present the present to the {adj} {place} in {city}.
He read the record that I will record in the {place}.
What's your {acr}? I need it for the {brand} account.
If you'd like to talk to a person, say "agent" or press {small}.
"{first} {last}" called at {time} — he didn't leave a message.
It's {unit} outside, so we'll wind up the wind chimes by {time}.
Can you hold on for {small} minutes? I'll be right back.
There's a {unit} fee (non-refundable) for {ving} within {small} hours.
Rooms {house} and {house} are on the {small}th floor.
We close at {time} on {day}s, and we're closed on {day}.
You're {num}th in line, {first}.
I can't find {code} in the system; could you repeat it?
No, we won't charge you until {date}.
Yes! That's {adj}, thanks so much.
Who's {ving} the {dish} for {title} {last}'s party?
The {brand} app works with {brand} & {brand}.
Bring your {acr} card, {acr} letter, and a {adj} photo.
That'll be {price} + {unit} tax = {price}.
The {acr} says {num} people came to {city} in {date}.
Mrs. {last}-{last} and Mr. {last} Jr. will arrive around {time}.
Chapter IV of the guide covers {ving}, and King Henry VIII isn't in it.
Shouldn't they've {ved} it to the {adj} {place} by now?
Y'all're welcome, and it'd be {adj} if you'd {v} it.
The {first}s' {room} isn't the {last}es' one.
Dr. {last} MD, Ph.D., works at St. {first}'s, approx. {unit} away.
U.S. orders ship in {small}-{small} days; U.K. ones don't.
We'll be {ving} an AM/PM check and/or a {acr}-{acr} sync.
TO CONFIRM, SAY YES. To cancel, say NO.
Please {v} {code}, {code} and {code}.
He has been there in person and I am in.
The economy class seat {code} is {num} times the price of a {room}.
Of the {num}, {num} were {adj}; the rest weren't.
The {adj} thing is that that's the one that {first} chose.
I'd recommend the {dish} to anyone, by and by.
Is it in or out? Come on in.
What are you looking for to {v}?""".splitlines()

CARRIERS = ["The word is {w}.", "I said {w} to them.", "We {w} it every day.", "They have {w} now.", "Is that {w}, or not?", "{W} is fine.", "An {w} idea.",
            "She was {w} in the end.", "Use the {w} one.", "the {w} and the {v}", "{w} {v} {w}", "It's {w}'s turn.", "ALL {U} HERE", "Ask {W} about it."]


def words():
    """Words of the lexicon, half of them with an ending they may not have there."""
    out = []
    for name in ("us_gold", "us_silver", "gb_gold"):
        with gzip.open(os.path.join(g2p.ASSETS, f"lexicon_{name}.json.gz"), "rt", encoding="utf-8") as f:
            d = json.load(f)
        plain = sorted(w for w in d if w.isalpha())
        tagged = sorted(w for w in d if isinstance(d[w], dict))
        for w in R.sample(plain, 150) + R.sample(tagged, min(100, len(tagged))):
            out.append(w + R.choice(["", "", "", "s", "ed", "ing", "'s", "d", "es", "ly", "like"]))
    R.shuffle(out)
    return out


def sentences():
    seen, out = set(), []
    for t in itertools.chain(*[TEMPLATES] * 31):
        s = t
        while "{" in s:
            a, b = s.index("{"), s.index("}")
            s = s[:a] + FILL[s[a + 1:b]]() + s[b + 1:]
        if s not in seen:
            seen.add(s)
            out.append(s)
    ws = words()
    for i, w in enumerate(ws):
        v = ws[-1 - i]
        out.append(R.choice(CARRIERS).format(w=w, v=v, W=w.capitalize(), U=w.upper()))
    return out


if __name__ == "__main__":
    us, gb = g2p.G2P(), g2p.G2P(british=True)
    lines, skipped = [], 0
    for s in sentences():
        try:
            lines.append(f"{s}\t{us(s)}\t{gb(s)}\n")
        except Exception:  # the reference fails on a few spellings
            skipped += 1
    with open("phonemes.tsv.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write("".join(lines).encode())
    print(len(lines), "sentences,", skipped, "that the reference cannot read")
