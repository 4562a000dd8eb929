"""Kinds of things that the corpus tells about, and how their names are made.

Every name has two parts, each from a short list of its own, so that a small vocabulary
gives many names and a dev set can have names whose parts are known and whose
combination is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "dev"]

_DEV_SHARE = 4
"""One name in so many is kept for the dev set."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: What it is, in the singular.
        first: First parts of its names.
        second: Second parts.
        joiner: What stands between the two.
        article: What stands before a name in a sentence; not part of an answer.
        asides: Sentences that mention one (`{x}`) and state no fact.
    """

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    joiner: str = " "
    article: str = ""
    asides: tuple[str, ...] = ()

    def compose(self, first: int, second: int) -> str:
        """Returns the name of two parts, given by their places in the lists."""
        return f"{self.first[first]}{self.joiner}{self.second[second]}"


def split_of(first: int, second: int) -> Split:
    """Says to which split a name belongs, by the places of its parts.

    Any first part goes with second parts of both splits, and the other way round.
    """
    return "dev" if (first + second) % _DEV_SHARE == 0 else "train"


_PEOPLE = Kind(
    name="person",
    first=tuple(
        "Mira Tom Ada Jonas Lena Oskar Ruth Felix Nora Hugo Edith Karl Paula Simon "
        "Greta Arne Clara Viktor Hanna Leo Marta Emil Olga Peter".split()
    ),
    second=tuple(
        "Holt Sand Berg Finch Moss Kern Wade Lund Marsh Vogel Stone Rask Quill Thorn "
        "Hale Brandt Frost Pike Dorn Ashe Weller Cobb Linde Sharp".split()
    ),
    asides=(
        "{x} slept badly that night",
        "hardly anybody noticed {x}",
        "{x} waved to the crowd",
        "the letter to {x} got lost",
        "later {x} told a long story",
    ),
)
_TOWNS = Kind(
    name="town",
    first=tuple(
        "Vel Tar Orn Bel Kes Lum Mor Hal Dun Fen Gor Sil Wes Bram Cor Ask Rin Pel Nor "
        "Stav".split()
    ),
    second=tuple("den wick ford mere by holm stead ton burg moor gate sund".split()),
    joiner="",
    asides=(
        "an old map shows {x} and its walls",
        "the road to {x} was closed",
        "it rained in {x} for a week",
        "nobody talked about {x}",
        "the mayor of {x} sent flowers",
    ),
)
_BUILDINGS = Kind(
    name="building",
    first=tuple(
        (
            "stone brick timber marble white yellow round narrow old grand little "
            "corner"
        ).split()
    ),
    second=tuple(
        (
            "mill bakery library theatre museum chapel tower school bank market "
            "hotel studio"
        ).split()
    ),
    article="the ",
    asides=(
        "a photo of {x} won a prize",
        "children like {x} best",
        "the path behind {x} is steep",
        "pigeons sit on {x} all day",
    ),
)
_SHIPS = Kind(
    name="ship",
    first=tuple(
        (
            "Silver Golden Northern Swift Brave Crimson Lonely Merry Royal Gentle "
            "Proud Lucky"
        ).split()
    ),
    second=tuple(
        (
            "Gull Star Anchor Arrow Dolphin Lantern Rose Wind Falcon Comet Crown Wave"
        ).split()
    ),
    article="the ",
    asides=(
        "a storm delayed {x}",
        "the crew of {x} sang loudly",
        "a child drew {x} in chalk",
        "everyone in the port knows {x}",
    ),
)
_PAINTINGS = Kind(
    name="painting",
    first=tuple(
        (
            "Quiet Burning Sleeping Broken Hidden Endless Fading Secret First Last "
            "Blue Distant"
        ).split()
    ),
    second=tuple(
        (
            "Garden River Winter Mirror Harvest Bridge Shadow Forest Valley Dancer "
            "Window Summer"
        ).split()
    ),
    article="the ",
    asides=(
        "critics argued about {x} for years",
        "a copy of {x} was a gift",
        "a postcard shows {x} upside down",
        "the frame of {x} is new",
    ),
)
_INSTRUMENTS = Kind(
    name="instrument",
    first=tuple(
        (
            "wooden brass ivory carved polished rusty tiny heavy plain antique "
            "cheap gilded"
        ).split()
    ),
    second=tuple(
        (
            "flute drum harp fiddle trumpet cello banjo organ guitar horn viola zither"
        ).split()
    ),
    article="the ",
    asides=(
        "somebody had repaired {x}",
        "{x} made no sound at all",
        "the price of {x} was too high",
        "under a blanket lay {x}",
    ),
)
_DISHES = Kind(
    name="dish",
    first=tuple(
        (
            "barley pumpkin salmon onion cherry almond pepper lentil apple mushroom "
            "ginger spinach"
        ).split()
    ),
    second=tuple(
        (
            "soup pie stew salad cake pudding bread dumplings curry pancake "
            "omelette roll"
        ).split()
    ),
    article="the ",
    asides=(
        "the cook had run out of {x}",
        "the recipe for {x} is a family secret",
        "the smell of {x} filled the room",
        "a dog stole {x}",
    ),
)
_ANIMALS = Kind(
    name="animal",
    first=tuple(
        (
            "grey black spotted striped brown lame blind shy clever young lazy wild"
        ).split()
    ),
    second=tuple(
        (
            "heron goat donkey parrot rabbit hound turtle cat pony lamb monkey goose"
        ).split()
    ),
    article="the ",
    asides=(
        "{x} hid behind the barn",
        "a song about {x} became famous",
        "the vet had to look at {x}",
        "in the yard {x} made a noise",
    ),
)
_DATES = Kind(
    name="date",
    first=tuple(str(day) for day in range(2, 29)),
    second=tuple(
        "January February March April May June July August September October November "
        "December".split()
    ),
    asides=(
        "on {x} the shops stay closed",
        "the weather on {x} was fine",
        "a clock stopped on {x}",
        "the choir met again on {x}",
    ),
)
_GOODS = Kind(
    name="cargo",
    first=tuple(
        (
            "dried salted raw fine coarse green sweet smoked dyed packed foreign ground"
        ).split()
    ),
    second=tuple(
        (
            "wool herring sugar tea cotton tobacco honey pearls silk coffee spice grain"
        ).split()
    ),
    asides=(
        "the tax on {x} rose again",
        "a barrel of {x} fell into the water",
        "thieves asked for {x} at once",
        "there was a shortage of {x}",
    ),
)

KINDS = {
    kind.name: kind
    for kind in (
        _PEOPLE,
        _TOWNS,
        _BUILDINGS,
        _SHIPS,
        _PAINTINGS,
        _INSTRUMENTS,
        _DISHES,
        _ANIMALS,
        _DATES,
        _GOODS,
    )
}
"""All kinds by name."""
