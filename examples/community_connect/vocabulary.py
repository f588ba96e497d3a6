"""Words the fictional community is made of: unicode, quotes, backslashes, tabs and line ends on purpose."""

from __future__ import annotations

# One word a line would be three times as long.
# fmt: off

GIVEN_NAMES = (
    "Ada", "Aïcha", "Álvaro", "Amélie", "Anneliese", "Aoife", "Bohdan", "Börje", "Carla", "Chiara", "Conor",
    "Dagmar", "Đorđe", "Eero", "Elif", "Émile", "Fatou", "Felix", "Françoise", "Gaëlle", "Goran", "Hélène",
    "Hiroko", "Iñaki", "Ingrid", "Işıl", "Jan-Ole", "Joaquín", "Jürgen", "Kateřina", "Krzysztof", "Łucja",
    "Leïla", "Linnéa", "Małgorzata", "Marlene", "Mbali", "Miloš", "Nadia", "Noémie", "Ngọc", "Oisín", "Paulo",
    "Pénélope", "Quentin", "Rania", "René", "Rosa", "Søren", "Stanisław", "Tarek", "Thảo", "Þóra", "Ulrike",
    "Václav", "Wendelin", "Xóchitl", "Yıldız", "Zoë", "Αθηνά", "Дарья", "Тарас", "さくら", "健一", "미나", "नीला",
    "ليلى",
)

FAMILY_NAMES = (
    "Abendroth", "Ångström-Lind", "Baumgärtner", "Bélanger", "Birkhoff", "Brûlé", "Castaño", "Čapek",
    "Dall'Olio", "D'Amico", "de la Peña", "Dąbrowa", "Eskildsen", "Fernández Ruiz", "Fjeldstad", "Gonçalves",
    "Grünwald", "Haddad", "Hakkarainen", "Ibáñez", "İnce", "Jørgensen", "Kaczmarek", "Kovač", "Küçük",
    "Lindqvist", "Löwenthal", "Mbeki-Stahl", "McAllister", "Muñoz", "Nguyễn", "Nørgaard", "O'Brien",
    "O'Shaughnessy", "Öztürk", "Papadaki", "Peřina", "Quispe", "Rasmussen", "Řezníček", "Sánchez", "Şahin",
    "Schäfer", "St. John", "Szűcs", "Tørnqvist", "Uhlíř", "van der Meer", "Vögeli", "von Ährenfeld", "Wójcik",
    "Yağmur", "Zieliński", "Żak", "Καλού", "Морозова", "Шевчук", "山田", "김", "शर्मा",
)

CITIES = (
    "Aarhus", "Antwerpen", "Barcelona", "Basel", "Bergen", "Brno", "București", "Córdoba", "Düsseldorf",
    "Freiburg", "Gdańsk", "Genève", "Göteborg", "Graz", "İzmir", "Kalamata", "Köln", "København", "Košice",
    "L'Aquila", "Liège", "Łódź", "Málaga", "Malmö", "Marseille", "Nantes", "Orléans", "Plzeň", "Porto",
    "Reykjavík", "San Sebastián", "São Brás", "Saint-Étienne", "Szeged", "Tromsø", "Turku", "Valparaíso",
    "Würzburg", "Zürich", "Київ", "札幌",
)

MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com", "community.example")

NICKNAMES = ("", "Kiki", 'the "Doc"', "Jo\\Jo", "Bärchen", "🦊", "Mx. T", "%admin%", "null", "tab\there")

TAGS = (
    "gardening", "chess", "cycling", "first aid", "café, tea & cake", "repair café", "choir", "hiking",
    "open source", 'say "hello"', "back\\slash", "Übersetzen", "NULL", "{braces}", "board games", "photography",
    "swimming", "写真",
)

LANGUAGES = ("de", "en", "es", "fr", "pl", "pt-BR", "tr", "uk")

INTERESTS = (
    "growing tomatoes on a balcony", "old bicycles", "reading aloud to children", "the history of bridges",
    "sourdough", "amateur radio", "knitting for beginners", "translating letters", "astronomy",
    "walking the dogs of others", "cooking for forty people", "repairing toasters", "river swimming",
    "jazz of the fifties", "maps", "bees",
)

BIOS = (
    "",
    "New here.",
    "Two lines,\nand this is the second.",
    "Paragraphs:\r\n\r\nfirst\r\nsecond",
    "Likes \"quotes\", 'apostrophes' and C:\\new\\table paths.",
    "a\tb\tc",
    "\\.",
    "\\N",
    "Grüße aus dem Süden, 你好, שלום, 🌻",
    "   spaces on both sides   ",
)

GREETINGS = (
    "Hi all,", "Hello everyone!", "Good morning,", "Guten Abend zusammen,", "¡Hola a todas y todos!", "Salut !",
    "Hey 👋", "Dear neighbours,", "Cześć,", "Quick question:", "Just a reminder:", "Thank you so much!",
)

TOPICS = (
    "the meeting on Thursday is moved to the big room", "we still need two people for the kitchen",
    "my bicycle pump has disappeared again", "the projector's lamp is broken", 'I can bring "the good" coffee',
    "who has the key to the cellar", "the garden needs water this week", "our choir is looking for a tenor",
    "the repair café was a success", "I have put the photos online", "the train at 17:42 is cancelled",
    "there is soup left, enough for ten", "the minutes are on the shared drive (S:\\minutes\\2025)",
    "somebody left a green scarf", "the new flyers have arrived", "I cannot make it tomorrow, sorry",
    "the heating is at 100 % and nobody knows why", "we are 12 people so far",
    "the hike starts at the old mill", "le café est fermé lundi",
    "die Anmeldung für den Erste-Hilfe-Kurs läuft", "mañana traigo las sillas",
)

CLOSINGS = (
    "Any ideas?", "Please answer by tonight.", "See you there!", "No need to reply.", "Bis dann 🙂",
    "Merci d'avance.", "Call me if in doubt.", "Whoever comes first opens the windows.", "Saludos",
    "Sent from the tram.", "Thanks -- really.", "(and bring a mug)",
)

ODD_MESSAGES = (
    "",
    "\\.",
    "\\N",
    "first line\nsecond line\n\nfourth line",
    "list:\r\n\t1. chairs\r\n\t2. tables",
    "'; DROP TABLE messages; --",
    "$$ dollar $tag$ quoting $tag$ $$",
    "a \\ b \\\\ c \\t is not a tab, \t is",
    '100 % "sure", 50/50, <b>bold</b> & {"json": "no"}',
    "👩‍👩‍👧‍👦 🇪🇺 e\u0301 = é, \u200bzero width, שלום, नमस्ते",
)

EVENT_TITLES = (
    "Summer party", "Repair café", "Chess for beginners", 'Assembly "spring"', "Nachtwanderung", "Soirée jeux",
    "First aid", "Choir: open rehearsal", "Garden day", "Film & soup", "Hack\\evening", "Taller de bicicletas",
    "読書会",
)

NOTES = (
    "vegetarian", "brings a cake", "arrives late\nleaves early", "needs a lift", "", '+1 ("maybe")',
    "gluten\\lactose free",
)
