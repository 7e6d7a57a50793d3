"""Our own texts in another language, and texts that were written in English and are shown again in it."""

from remit.domain.i18n import ENGLISH, Translator, said

GERMAN = Translator(
    language="de",
    texts={"Hello {name}": ("Hallo {name}",), "Done": ("Fertig",), "{count} row": ("{count} Zeile", "{count} Zeilen"), "Left": ("",)},
)


def test_a_text_is_shown_again_in_the_readers_language() -> None:
    assert GERMAN.again("Done") == "Fertig"
    assert GERMAN.again(said("Hello {name}", name="Anna")) == "Hallo Anna"
    assert GERMAN.again(said("Done")) == "Fertig"


def test_a_text_without_a_translation_is_not_shown_again() -> None:
    for text in ("Hello Anna", said("Other {name}", name="Anna"), said("Left")):
        assert GERMAN.again(text) == ""


def test_in_english_a_text_reads_as_it_was_written() -> None:
    written = said("Hello {name}", name="Anna")
    assert written == "Hello Anna"
    assert ENGLISH.again(written) == "Hello Anna"
    assert ENGLISH.again("Done") == "Done"


def test_a_value_is_never_a_template() -> None:
    """⚔ A name with braces must neither fail nor take other values in."""
    written = said("Hello {name}", name="{name.__class__} {0}")
    assert written == "Hello {name.__class__} {0}"
    assert GERMAN.again(written) == "Hallo {name.__class__} {0}"
    assert GERMAN("Hello {name}", name="{name}") == "Hallo {name}"
    assert GERMAN.again("Hello {name}") == "Hallo {name}", "a plain text is no template either"


def test_the_form_fits_the_count_and_a_missing_one_is_the_last() -> None:
    assert [GERMAN.plural("{count} row", "{count} rows", count) for count in (0, 1, 2)] == ["0 Zeilen", "1 Zeile", "2 Zeilen"]
    one = Translator(language="ja", texts={"{count} row": ("{count} 行",)}, form=lambda _count: 3)
    assert one.plural("{count} row", "{count} rows", 5) == "5 行"
