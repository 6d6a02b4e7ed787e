"""Ids that survive being read out on the phone."""

from app.kit.ids import ALPHABET, LENGTH, new_id


def test_an_id_begins_with_what_it_is_of():
    prefix, _, rest = new_id("bk").partition("_")
    assert prefix == "bk"
    assert len(rest) == LENGTH


def test_no_letter_of_an_id_looks_like_another():
    assert not set(ALPHABET) & set("01oil")
    assert ALPHABET.lower() == ALPHABET
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert {letter for _ in range(500) for letter in new_id("x").removeprefix("x_")} == set(ALPHABET)


def test_ten_thousand_ids_are_ten_thousand():
    assert len({new_id("op") for _ in range(10_000)}) == 10_000


def test_an_id_cannot_be_guessed():
    assert len(ALPHABET) ** LENGTH > 2**80


def test_an_id_fits_its_column():
    assert len(new_id("pay")) <= 40
