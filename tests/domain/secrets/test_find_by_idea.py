"""Each way a secret may stand in a message, written here by idea; and what only looks like one."""

import base64
import codecs
import html
import json
import quopri
from urllib.parse import quote

import pytest

from remit.domain.secrets.find import find_secrets, redact
from remit.domain.secrets.obfuscation import deobfuscated_readings

LOT = "q7Zp3xVt9LmB2kRw8Yc5Nd4H"
SMALL = "q7zp3xvt9lmb2krw8yc5nd4h"
CARD = "4111 1111 1111 1111"

TOLD = {
    "password": ("The password is Harbor#8159x.", "Harbor#8159x"),
    "password of a word": ('Her password is "sunflower", please log in.', "sunflower"),
    "password german": ("Mein Passwort lautet Sommer!2031x, danke.", "Sommer!2031x"),
    "password for": ("the password for the shop account is Kettle-99-blue!", "Kettle-99-blue!"),
    "kennwort": ("Kennwort: Rotkehlchen77", "Rotkehlchen77"),
    "mot de passe": ("Mon mot de passe est Soleil#42b", "Soleil#42b"),
    "contraseña": ("Mi contraseña es Verano$2031", "Verano$2031"),
    "leet label": ("p4ssw0rd: Tundra&9374", "Tundra&9374"),
    "leet pin": ("p1n: 4821", "4821"),
    "camel case": ('{"userPassword":"Tundra&9374"}', "Tundra&9374"),
    "escaped json": (json.dumps({"body": json.dumps({"password": "Tundra&9374"})}), "Tundra&9374"),
    "xml": ("<password>Tundra&9374</password>", "Tundra&9374"),
    "env": (f"STRIPE_SECRET={LOT}\nDEBUG=1", LOT),
    "export": (f"export DATABASE_KEY='{LOT}'", LOT),
    "yaml": (f"apiKey: {LOT}", LOT),
    "netrc": ("machine shop.example login anna password hunterx", "hunterx"),
    "curl": ("curl -u anna:Tundra9374 https://shop.example/api", "Tundra9374"),
    "basic": ("Authorization: Basic " + base64.b64encode(b"anna:sunflower").decode(), base64.b64encode(b"anna:sunflower").decode()),
    "bearer": (f"Authorization: Bearer {SMALL}", SMALL),
    "authorization json": (json.dumps({"name": "Authorization", "value": f"Bearer {SMALL}"}), SMALL),
    "api key header": (f"X-Api-Key: {SMALL}", SMALL),
    "cookie": ("Cookie: theme=dark; sid=a8f3b2c9d1e7f604; lang=en", "a8f3b2c9d1e7f604"),
    "set-cookie": ("Set-Cookie: auth=8f3bQc9d1e7f604; Path=/; HttpOnly", "8f3bQc9d1e7f604"),
    "connection": ("postgres://app:fmbpFJ53LIPs@db.internal/x", "fmbpFJ53LIPs"),
    "connection with a slash": ("mysql://app:p/ss9w@rd@db.internal:3306/x", "p/ss9w@rd"),
    "redis": ("redis://:hunter2x9@10.0.0.5:6379/0", "hunter2x9"),
    "odbc": ("Server=db;Uid=app;Pwd=Tundra9374;", "Tundra9374"),
    "reset link": (f"https://shop.example/reset?token={LOT}", LOT),
    "magic link": (f"https://shop.example/magic/{SMALL}", SMALL),
    "reset path": (f"https://shop.example/account/reset-password/{LOT}", LOT),
    "invite": ("https://chat.example/invite/aB3xY9kQ7z", "aB3xY9kQ7z"),
    "web hook": ("https://hooks.chat.example/services/T0AB12CD3/B0EF45GH6/q7Zp3xVt9LmB2kRw8Yc5Nd4H", "q7Zp3xVt9LmB2kRw8Yc5Nd4H"),
    "signed address": ("https://files.example/a.pdf?X-Amz-Signature=" + "9f8e7d6c5b4a3921" * 4, "9f8e7d6c5b4a3921" * 4),
    "otp seed": ("otpauth://totp/Shop:anna?secret=JBSWY3DPEHPK3PXP&issuer=Shop", "JBSWY3DPEHPK3PXP"),
    "otp seed told": ("2FA setup key: JBSW Y3DP EHPK 3PXP", "JBSW Y3DP EHPK 3PXP"),
    "ppk": ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\nAAAAIHx9\nPrivate-MAC: 01ab", "AAAAIHx9"),
    "jwk": ('{"kty":"EC","crv":"P-256","x":"abc","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}', "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"),
    "pgp": ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQdGBGB\n-----END PGP PRIVATE KEY BLOCK-----", "lQdGBGB"),
    "ssh without a head": ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUx", "AAAABG5vbmUAAAAEbm9uZQ"),
    "pkcs8 without a head": ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "ADANBgkqhkiG9w0BAQEFAASCBKc"),
    "seed phrase told": ("My seed phrase: ripple scorpion museum velvet orbit candy lunar fabric ticket bamboo siren glove", "velvet orbit candy"),
    "seed phrase numbered": ("recovery phrase is 1. ripple 2. scorpion 3. museum 4. velvet 5. orbit 6. candy 7. lunar 8. fabric 9. ticket 10. bamboo 11. siren 12. glove", "velvet"),
    "seed phrase alone": ("ripple scorpion museum velvet orbit candy lunar fabric ticket bamboo siren glove", "velvet orbit candy"),
    "recovery codes": ("Recovery codes: 4f7k-92qm, 8d2x-11ab, 77pq-3c4d", "8d2x-11ab"),
    "recovery codes in lines": ("Backup codes:\n1. 4f7k-92qm\n2. 8d2x-11ab\n3. 77pq-3c4d", "77pq-3c4d"),
    "otp": ("verification code: 435691", "435691"),
    "otp behind": ("435691 is your verification code", "435691"),
    "otp entered": ("Enter 435691 to verify your login", "435691"),
    "otp use": ("Use 4356 as your login code", "4356"),
    "otp letters": ("Your security code is 7F3K9Q", "7F3K9Q"),
    "otp german": ("Ihr Bestätigungscode lautet 435691.", "435691"),
    "tan": ("TAN: 435691", "435691"),
    "mtan": ("Die mTAN ist 435691", "435691"),
    "the code i got": ("the code I got by text is 435691", "435691"),
    "pin": ("my card PIN is 9444", "9444"),
    "pin german": ("Die PIN der Karte lautet 9444", "9444"),
    "pin spoken": ("my pin is four two seven one", "four two seven one"),
    "pin double": ("my pin is double four seven one", "double four seven one"),
    "pin german spoken": ("meine PIN ist vier zwei sieben eins", "vier zwei sieben eins"),
    "pin mixed": ("my pin is 4 two 7 one", "4 two 7 one"),
    "pin tens": ("my pin is forty-two seventy-one", "forty-two seventy-one"),
    "card spoken": ("the card is " + " ".join(["four", *["one"] * 15]), "four one one one one"),
    "nato": ("the access code is alpha four bravo two charlie nine", "alpha four bravo two charlie nine"),
    "cvv": ("CVV 734", "734"),
    "cvv german": ("Die Prüfziffer ist 734", "734"),
    "on the back": ("the three digits on the back are 734", "734"),
    "security answer": ("my mother's maiden name is Hollings", "Hollings"),
    "ssn told": ("my social security number is 653 77 1553", "653 77 1553"),
    "card dots": ("card 4111.1111.1111.1111", "4111.1111.1111.1111"),
    "birth date german": ("Geburtsdatum: 27.06.1988", "27.06.1988"),
    "passport german": ("Reisepass Nr. C01X00T47, Reisepassnummer: C01234567", "C01234567"),
    "konto": ("Kontonummer: 5320130001", "5320130001"),
    "token then": (f"sk_live_ then {LOT[:12]} then {LOT[12:]}", LOT[:12]),
    "small with a name": (f"here it is: acme_live_{SMALL}", SMALL),
    "small alone": (f"here it is: {SMALL}{SMALL[::-1]}", SMALL),
    "large alone": ("here it is: Q7ZP3XVT9LMB2KRW8YC5", "Q7ZP3XVT9LMB2KRW8YC5"),
    "letters alone": ("acme_token_qzxvkjwpbhgtrfncmylqzdxw", "qzxvkjwpbhgtrfncmylqzdxw"),
    "mixed alone": (f"here it is: {LOT}", LOT),
    "with an unknown name": (f"widgetron: {SMALL}", SMALL),
    "german key": (f"API-Schlüssel: {SMALL}", SMALL),
}  # fmt: skip

ORDINARY = [
    "Order 112-4567890-1234567 has not arrived, and 4711-0815 neither.",
    "Parcel 1Z999AA10123456784 was scanned; DHL says JD014600006281230704, post says RR123456785DE.",
    "Commit 9fceb02d0ae598e95dc970b74767f19372d61af8 broke it; the build 2.4.1-beta.3+exp.sha.5114f85 too.",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "Request id 3fa85f64-5717-4562-b3fc-2c963f66afa6, trace_id=4bf92f3577b34da6a3ce929d0e0e4736.",
    '{"requestId": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "startedDateTime": "2026-11-03T10:11:12.123Z", "version": "1.22.333"}',
    "See https://www.shop.example/kitchen/kettles/cordless-glass-kettle-with-temperature-control-1-7-litre-white?page=2&sort=price.",
    "The file is /usr/local/share/applications/org.gnome.Terminal.desktop, also C:\\Users\\anna\\Documents\\Invoice-2026-11.pdf",
    "Model WMF-0415090011, SKU KTL-1700-WHT-EU-2026, EAN 4006381333931, IMEI 490154203237518.",
    "The article number is 5901234123457 and the serial number C02XG0FDJG5J.",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "I forgot my password. The password is wrong. My password is expired, and the password reset link does not come.",
    "Is the password case-sensitive? The password must be 12 characters long.",
    "Das Passwort ist falsch und die PIN ist gesperrt. Ich habe meine TAN nicht bekommen.",
    "The error code is 5405, the discount code SUMMER25 does not work, my zip code is 90210.",
    "I paid 1,234.56 EUR on 2026-03-07 at 10:15 and 17.50 on 03/09/2026.",
    "The code of conduct is 12 pages. Enter 2 to continue, use 15 as your default.",
    "Then I called, and then they said: wait 5 days. Then 3 weeks passed.",
    "Please send one or two of the three, or four; five six seven are too many of them.",
    "I need the two, one for me and one for my son.",
    "Call us between 9 and 17, press 1 or 2. Room 1204, seats 12A and 12B, gate C14.",
    "The secret of a good tea is time. The key is under the mat; the token ring network is old.",
    "Our internationalisation and Donaudampfschifffahrtsgesellschaft teams met in Llanfairpwllgwyngyll.",
    "const handleSubmitButtonClick = useCallback(async (event) => { await submitForm(event); }, [submitForm]);",
    "The app crashes in com.example.shop.checkout.PaymentMethodSelectionActivity.onCreate(PaymentMethodSelectionActivity.kt:142).",
    "Flight LH1234 on 12DEC, booking reference X7K9QP, ticket number 220-1234567890.",
    "Coordinates 52.5200066,13.404954 and the temperature was -12.5.",
    "My IBAN starts with DE89, my card ends in 1111, and my birthday is in June.",
    "shoes shirts and socks and hats and belts and gloves and scarves for the whole family and friends",
    "My cat walked over the keyboard: aaaaaaaaaaaaaaaaaaaaaaaa 11111111111111111111",
    "Invoice INV-2026-000123456 and customer number 100200300400.",
    "payment method pm_1MqLiJLkdIwHu7ixUEgbFdYF of order ord_8fK2mQ9xLp",
    "a" * 200,
    "Payment is due in 14 days; the contract number is 2026/0815/47-11.",
    "ISBN 978-3-16-148410-0, ISSN 2049-3630, DOI 10.1000/182.",
    "The MAC address is 00:1B:44:11:3A:B7 and the port 8080.",
    "#1a2b3c is the colour, rgba(255, 255, 255, 0.5) is not.",
    "Please reset the session, and clear the cookies: they are stale.",
    "data-testid=checkout-summary-total-price class=btn-primary-outline-large",
    "The TV is a Samsung UE55CU7179UXZG, the phone an SM-S928BZKGEUB.",
    "My license plate is B-AB 1234, and the VIN is WVWZZZ1JZXW000001.",
    "Pi is 3.14159265358979323846 and e is 2.71828182845904523536.",
    "Fibonacci: 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987",
    "It is a-ma-zing! L O V E it. B. A. U. and U.S.A. too.",
    "Status=Delivered;Carrier=UPS;Items=3",
    "Sizes: S, M, L, XL, 38, 39, 40, 41, 42, 43, 44, 45",
]  # fmt: skip

DISGUISES = {
    "zero width": "\u200b".join,
    "control": "\x01".join,
    "full width": lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "spaced": " ".join,
    "dotted": ".".join,
    "dashed": " - ".join,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64 of url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "hex apart": lambda text: text.encode().hex(" "),
    "hex 0x": lambda text: ", ".join(f"0x{one:02x}" for one in text.encode()),
    "percent": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "percent some": lambda text: text[:4] + f"%{ord(text[4]):02X}" + text[5:],
    "percent twice": lambda text: quote("".join(f"%{one:02X}" for one in text.encode())),
    "html": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "html hex": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "json escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "x escapes": lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    "quoted printable": lambda text: "".join(f"={ord(one):02X}" for one in text),
    "soft break": lambda text: f"{text[:9]}=\n{text[9:]}",
    "broken": lambda text: f"{text[:9]}\n{text[9:]}",
    "quoted reply": lambda text: f"{text[:9]}\n> {text[9:]}",
    "backwards": lambda text: text[::-1],
    "then": lambda text: f"{text[:9]} then {text[9:]}",
    "spaced in a tag": lambda text: f"<p>{' '.join(text)}</p>",
    "html of percent": lambda text: html.escape("".join(f"%{one:02X}" for one in text.encode())).replace("%", "&#37;"),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_secret_is_found_however_it_is_told(name: str) -> None:
    text, secret = TOLD[name]
    assert secret not in redact(text, find_secrets(text)), find_secrets(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_only_looks_like_a_secret_is_left(text: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in find_secrets(text)] == []


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("secret", ["ghp_k4JQF9qC0uuV2s5vB3L897RqN84En9FOMx7E", "4111111111111111"], ids=["token", "card"])
def test_a_secret_is_found_through_each_disguise(disguise: str, secret: str) -> None:
    if disguise == "backwards" and secret.isdigit():
        pytest.skip("a number backwards is another number")
    hidden = DISGUISES[disguise](secret)  # type: ignore[operator]
    text = f"my card or token, see: {hidden} and that was it"
    cleaned = redact(text, find_secrets(text))
    assert hidden not in cleaned
    assert "".join(filter(str.isalnum, hidden))[3:12] not in "".join(filter(str.isalnum, cleaned))
    assert cleaned.startswith("my card or token, see: ")
    assert cleaned.endswith(" that was it")


def test_a_label_that_is_turned_by_thirteen_is_read() -> None:
    text = codecs.encode("my password is Harbor8159x", "rot13")
    assert codecs.encode("Harbor8159x", "rot13") not in redact(text, find_secrets(text))


def test_a_whole_sentence_backwards_is_read() -> None:
    text = "my password is Harbor8159x"[::-1]
    assert "x9518robraH" not in redact(text, find_secrets(text))


def test_quoted_printable_mail_is_read() -> None:
    text = quopri.encodestring("das Passwort für den Laden ist: Harbor8159x".encode()).decode()
    assert "Harbor8159x" not in redact(text, find_secrets(text))


GITHUB = "ghp_k4JQF9qC0uuV2s5vB3L897RqN84En9FOMx7E"
CALM = ("ghp_aabbaabbaa", "ccddccddcc1", "eeaaeeaabb")
"""A token whose pieces look like nothing by themselves."""
ROWS = {
    "a token cut once behind a letter": (f"}}=_i\n{GITHUB[:38]}\n{GITHUB[38:]}", GITHUB[38:]),
    "a token cut early behind a letter": (f"}}=_i\n{GITHUB[:9]}\n{GITHUB[9:]}", GITHUB[:9]),
    "a token cut often behind a letter": (f"}}=_i\n{GITHUB[:14]}\n{GITHUB[14:28]}\n{GITHUB[28:]}", GITHUB[14:28]),
    "a calm token cut often behind a letter": ("}=_i\n" + "\n".join(CALM), CALM[2]),
    "a card behind its word": ("My card is\n41111111\n11111111\nthank you", "41111111"),
    "a card before other words": ("see 4111 1111\n1111 1111\nabc1\ndef2 it is", "4111 1111"),
    "a card between other words": ("xyz9\n4111 1111\n1111 1111\nabc1\ndef2 it is", "4111 1111"),
    "an account in groups": ("it is\nDE89 3704 0044\n0532 0130 00\nxy", "3704"),
    "a quoted reply": ("> see\n> 4111 1111\n> 1111 1111\n> thank you", "4111 1111"),
    "joined by words": (f"}}=_i then {GITHUB[:9]} then {GITHUB[9:]}", GITHUB[:9]),
    "in a long block": ("\n".join(("}=_i", *CALM, *(f"abab{'ab' * 9}" for _ in range(40)))), CALM[2]),
}


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize("name", ROWS)
def test_what_is_cut_over_lines_is_found_whatever_stands_in_the_lines_beside_it(name: str) -> None:
    text, piece = ROWS[name]
    assert piece not in redact(text, find_secrets(text))


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize("rest", ["myMzTUhrFuN", "KeyqXzvTbWk", "pinqxzvkjwb"])
def test_the_rest_of_a_token_is_no_label_though_it_begins_as_one(rest: str) -> None:
    text = f"sk_live_PzxUsNGjQnvsX9QYJiXLkkP7Q\n{rest} thanks"
    assert rest not in redact(text, find_secrets(text))


@pytest.mark.parametrize("label", ["PIN", "pin", "Pin", "clientSecret", "TANs", "Passwort", "geheimzahl"])
def test_a_line_that_begins_with_a_label_is_no_rest_of_anything(label: str) -> None:
    assert all(f"X9QYJiX{label}" not in one.text for one in deobfuscated_readings(f"PzxUsNGjQnvsX9QYJiX\n{label}: 4711"))
    assert any("X9QYJiXabc4711" in one.text for one in deobfuscated_readings("PzxUsNGjQnvsX9QYJiX\nabc4711"))


@pytest.mark.parametrize("size", [6, 8, 10])
def test_a_list_of_numbers_is_no_card(size: int) -> None:
    numbers = [f"{4 * 10 ** (size - 1) + 7919 * number}" for number in range(200)]
    for at in range(190):
        for many in (2, 3, 4):
            listed = "\n".join(numbers[at : at + many])
            assert find_secrets(f"The orders are:\n{listed}\nThank you.") == ()


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize("sign", ["\N{ROCKET}", "\u2192", "\u2713"])
@pytest.mark.parametrize("label", ["Authorization: Bearer", "my token:"])
def test_a_token_ends_where_a_sign_stands_that_none_has(label: str, sign: str) -> None:
    for text in (f"{label} {' '.join('kettle4xLamp')} {sign}", f"{label} kettle4xLamp{sign} and so on"):
        cleaned = redact(text, find_secrets(text))
        assert "kettle4xLamp" not in cleaned.replace(" ", "")
        assert sign in cleaned or cleaned.endswith("[token removed]")
    assert find_secrets(f"{label} K\u00fcche\u2192Haust\u00fcr12") == ()


def test_rows_of_words_that_stand_far_apart_are_no_seed() -> None:
    row = "ripple scorpion museum velvet orbit candy lunar"
    encoded = base64.b64encode(b"hello").decode()
    text = f"{encoded}{' and' * 92} {row}{' and' * 300} {row}{' and' * 28} {encoded} is it"
    assert find_secrets(text) == ()
    assert find_secrets(f"{row} {row}") != ()


def test_a_small_word_is_base64_only_of_what_has_a_digit() -> None:
    for word, hidden, is_read in (("bzxudkwy", "o<nvL2", True), ("closed", "rZ,y", False)):
        assert base64.b64decode(f"{word}==") == hidden.encode()
        assert any(one.text == f"the password is {hidden}" for one in deobfuscated_readings(f"the password is {word}")) is is_read
